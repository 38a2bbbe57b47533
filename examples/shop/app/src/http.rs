//! The shop over HTTP: customers place orders, the payment processor calls its webhook.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base::{Shop, say};
use orders::OrderError;
use payments::PaymentError;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::facts;

/// Serves on `port` of this machine until Ctrl-C or SIGTERM.
pub(crate) async fn serve(shop: &Shop, port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} cannot be used; try another with --port"))?;
    let address = listener.local_addr()?;
    let stop = told_to_stop()?;
    say!("serving http://{address}; stop it with Ctrl-C. Try, beside a `shop worker`:");
    say!(
        "  curl http://{address}/orders -H 'content-type: application/json' -d '{{\"order_id\":1,\"amount_cents\":4990}}'"
    );
    say!(
        "  curl http://{address}/webhooks/payments -H 'content-type: application/json' \
         -d '{{\"event_id\":\"evt_1\",\"payment_id\":1,\"succeeded\":true}}'"
    );
    say!("  curl http://{address}/orders/1");
    axum::serve(listener, router(shop.clone())).with_graceful_shutdown(stop).await?;
    Ok(())
}

/// What ends when somebody wants this process to: by Ctrl-C, or by SIGTERM, as service managers do. From now on, not only once
/// it is polled: whoever reads that the shop serves may stop it at once.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// There is no SIGTERM here: what ends at Ctrl-C.
#[cfg(not(unix))]
fn told_to_stop() -> Result<impl Future<Output = ()>> {
    Ok(async { tokio::signal::ctrl_c().await.unwrap_or_else(|error| eprintln!("shop: no Ctrl-C: {error}")) })
}

/// The routes of the shop.
pub(crate) fn router(shop: Shop) -> Router {
    Router::new()
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .route("/webhooks/payments", post(payment_webhook))
        .with_state(shop)
}

#[derive(Deserialize)]
struct NewOrder {
    order_id: i64,
    amount_cents: i64,
}

/// What the payment processor sends. Its id is the same when it repeats itself.
#[derive(Deserialize)]
struct PaymentNotice {
    event_id: String,
    payment_id: i64,
    succeeded: bool,
}

type Body<T> = Result<Json<T>, JsonRejection>;

async fn place_order(State(shop): State<Shop>, body: Body<NewOrder>) -> Result<Response, Refusal> {
    let Json(NewOrder { order_id, amount_cents }) = body?;
    let receipt = orders::place(&shop, order_id, amount_cents).await?;
    Ok((StatusCode::CREATED, Json(json!({ "order_id": order_id, "signal": receipt.signal_id.0 }))).into_response())
}

async fn payment_webhook(State(shop): State<Shop>, body: Body<PaymentNotice>) -> Result<Json<Value>, Refusal> {
    let Json(PaymentNotice { event_id, payment_id, succeeded }) = body?;
    let receipt = payments::record(&shop, &payments::Notice { id: event_id, payment_id, succeeded }).await?;
    Ok(Json(json!({ "signal": receipt.signal_id.0, "repeated": receipt.repeated })))
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<i64>) -> Result<Json<Value>, Refusal> {
    let order = facts::order(&shop, id).await.map_err(OrderError::Database)?.ok_or(OrderError::Unknown(id))?;
    Ok(Json(
        json!({ "order_id": order.id, "amount_cents": order.cents, "status": order.status, "payment": order.payment }),
    ))
}

/// What is answered instead of success.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: rejection.body_text() }
    }
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        let status = match error {
            OrderError::Exists(_) => StatusCode::CONFLICT,
            OrderError::Unknown(_) => StatusCode::NOT_FOUND,
            OrderError::Payment(error) => return error.into(),
            OrderError::Signals(error) => return error.into(),
            OrderError::Database(error) => return Self::internal(&error.into()),
        };
        Self { status, message: error.to_string() }
    }
}

impl From<PaymentError> for Refusal {
    fn from(error: PaymentError) -> Self {
        let status = match error {
            PaymentError::Unknown(_) => StatusCode::NOT_FOUND,
            PaymentError::AmountRefused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            PaymentError::Signals(error) => return error.into(),
            PaymentError::Database(error) => return Self::internal(&error.into()),
        };
        Self { status, message: error.to_string() }
    }
}

impl From<signals_runtime::Error> for Refusal {
    fn from(error: signals_runtime::Error) -> Self {
        use signals_runtime::Error;
        let status = if matches!(error, Error::KeyReused { .. }) {
            StatusCode::CONFLICT
        } else if matches!(error, Error::KeyInvalid) {
            StatusCode::BAD_REQUEST
        } else if error.is_retryable() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            return Self::internal(&error.into());
        };
        Self { status, message: error.to_string() }
    }
}

impl Refusal {
    /// Something of ours is broken: the log says what, the answer does not.
    fn internal(error: &anyhow::Error) -> Self {
        eprintln!("shop: {error:#}");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: "something is broken here".to_owned() }
    }
}
