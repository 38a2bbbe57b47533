//! A small HTTP client: one connection for each request.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use base::say;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Talks to the shop's server, and says so.
#[derive(Debug)]
pub(crate) struct Client {
    server: SocketAddr,
}

impl Client {
    /// A client of `server`.
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self { server }
    }

    /// Posts `body` to `path`; the answer's status must be `expected`.
    pub(crate) async fn post(&self, path: &str, body: &str, expected: StatusCode) -> Result<Value> {
        let (status, answer) =
            self.exchange(path, body).await.with_context(|| format!("POST {path} was not answered"))?;
        say!("> POST {path} {body}");
        say!("< {} {answer}", status.as_u16());
        ensure!(status == expected, "POST {path} should be answered with {expected}, not {status}");
        serde_json::from_str(&answer).with_context(|| format!("the answer to POST {path} is not JSON"))
    }

    async fn exchange(&self, path: &str, body: &str) -> Result<(StatusCode, String)> {
        let request = Request::post(path)
            .header("host", self.server.to_string())
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_owned())))?;
        let stream = TokioIo::new(TcpStream::connect(self.server).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        let exchange = async move {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, String::from_utf8_lossy(&body).into_owned()))
            // `sender` goes here, which closes the connection
        };
        let (answer, closed) = tokio::join!(exchange, connection);
        closed?;
        answer
    }
}
