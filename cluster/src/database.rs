//! Where a server is, and databases in it for tests.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::{Binaries, Cluster, Settings};

/// The variable that says where a server is.
const VARIABLE: &str = "DATABASE_URL";

/// How long a dropped database is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The lock under which templates are made: one of the application's own numbers.
const TEMPLATES: i64 = 0x5167_7465;

/// Where a server is, as a user who may make databases there. Cheap to clone; it holds no connection.
#[derive(Clone, Debug)]
pub struct Server {
    options: PgConnectOptions,
    // What stands before and after the name of the database.
    url: (String, String),
}

impl Server {
    /// The server at `url`, which names a database that its user may connect to.
    ///
    /// # Errors
    ///
    /// Returns an error when `url` is none.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("this is no URL of a Postgres database")?;
        let at = url.find("://").map_or(0, |at| at + 3);
        let path = url[at..].find(['/', '?']).map_or(url.len(), |path| at + path);
        let query = url[path..].find('?').map_or("", |query| &url[path + query..]);
        Ok(Self { options: options.disable_statement_logging(), url: (url[..path].to_owned(), query.to_owned()) })
    }

    /// The server that `DATABASE_URL` names; none when it is not set. `cargo xtask test` sets it.
    ///
    /// # Errors
    ///
    /// Returns an error when it is no URL.
    pub fn from_env() -> anyhow::Result<Option<Self>> {
        std::env::var(VARIABLE).ok().map(|url| Self::at(&url).context(VARIABLE)).transpose()
    }

    /// The server for this process's tests: that of [`from_env`](Self::from_env), or else a private one that is started
    /// with the first call, and ends with the process.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is missing, or what the server said.
    pub fn for_tests() -> anyhow::Result<Self> {
        static OWN: Mutex<Option<Cluster>> = Mutex::new(None);
        if let Some(server) = Self::from_env()? {
            return Ok(server);
        }
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = match own.take() {
            Some(cluster) => cluster,
            None => Cluster::start_with(Binaries::find_or_install()?, Settings::fast())?,
        };
        Ok(own.insert(cluster).server())
    }

    /// How to connect to one of its databases, as the same user.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        self.options.clone().database(database)
    }

    /// The same as a URL.
    pub fn url(&self, database: &str) -> String {
        let (before, after) = &self.url;
        format!("{before}/{database}{after}")
    }

    /// A connection to the database that its URL names.
    ///
    /// # Errors
    ///
    /// Returns the server's error.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        let Self { options, .. } = self;
        let connection = PgConnection::connect_with(options).await;
        connection.with_context(|| format!("cannot connect to {}:{}", options.get_host(), options.get_port()))
    }

    /// An empty database of its own.
    ///
    /// # Errors
    ///
    /// Returns the server's error.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may leave an empty database behind.
    pub async fn database(&self) -> anyhow::Result<Database> {
        self.copy("template1").await
    }

    /// A database of its own, which is a copy of a template. The first call on a server makes the template: an empty
    /// database that `prepare` is given the URL of. Calls in other processes wait for that.
    ///
    /// `key` names what `prepare` makes: another text for other contents. `prepare` closes its connections.
    ///
    /// # Errors
    ///
    /// Returns the server's error, or that of `prepare`.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may leave a database behind; the next one makes the template anew.
    pub async fn database_like<F: Future<Output = anyhow::Result<()>>>(
        &self,
        key: &str,
        prepare: impl FnOnce(String) -> F,
    ) -> anyhow::Result<Database> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let template = format!("signals_template_{:016x}", hasher.finish());
        let mut connection = self.connect().await?;
        if !exists(&mut connection, &template).await? {
            sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATES).execute(&mut connection).await?;
            if !exists(&mut connection, &template).await? {
                // What was only begun has another name than what is finished.
                let draft = format!("{template}_draft");
                execute(&mut connection, format!("DROP DATABASE IF EXISTS {draft}")).await?;
                execute(&mut connection, format!("CREATE DATABASE {draft} TEMPLATE template1")).await?;
                prepare(self.url(&draft)).await.context("the template could not be prepared")?;
                execute(&mut connection, format!("ALTER DATABASE {draft} RENAME TO {template}")).await?;
            }
        }
        // The lock ends with the connection.
        connection.close().await?;
        self.copy(&template).await
    }

    /// Ends the sessions of everybody else who uses a database (all of them: those of `None`), as `pg_terminate_backend`
    /// does; answers how many.
    ///
    /// # Errors
    ///
    /// Returns the server's error.
    pub async fn terminate(&self, database: Option<&str>) -> anyhow::Result<i64> {
        let mut connection = self.connect().await?;
        let query = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = coalesce($1, datname)";
        let ended = sqlx::query_scalar(query).bind(database).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(ended)
    }

    async fn copy(&self, template: &str) -> anyhow::Result<Database> {
        let name = format!("signals_test_{}_{:08x}", std::process::id(), fastrand::u32(..));
        let mut connection = self.connect().await?;
        // Four times as fast as through the log, where there is a choice: a template is small, and nobody changes it.
        let copied = connection.server_version_num().is_some_and(|version| version >= 150_000);
        let strategy = if copied { "STRATEGY file_copy" } else { "" };
        execute(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}")).await?;
        connection.close().await?;
        Ok(Database { server: self.clone(), url: self.url(&name), name })
    }

    async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        execute(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        Ok(connection.close().await?)
    }
}

async fn exists(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    sqlx::query_scalar(query).bind(name).fetch_one(connection).await
}

/// Runs a statement that takes no parameters; the names in it are our own.
async fn execute(connection: &mut PgConnection, statement: String) -> anyhow::Result<()> {
    connection.execute(AssertSqlSafe(statement.clone())).await.context(statement)?;
    Ok(())
}

/// A database for one test. It is dropped with this, whoever is still connected to it.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    url: String,
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server that it is in.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How to connect to it.
    pub fn options(&self) -> PgConnectOptions {
        self.server.options(&self.name)
    }

    /// Lets it stay; answers its name.
    pub fn keep(mut self) -> String {
        std::mem::take(&mut self.name)
    }
}

impl Drop for Database {
    /// On a thread of its own: whoever drops it may be in the middle of a runtime. And not for long: a session that this very
    /// thread has begun to open and cannot finish now is waited for by the server, before it removes files. What was asked
    /// of it, it does also when we are gone.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        if name.is_empty() {
            return; // kept
        }
        let (done, finished) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            // A server that is gone has no databases, and whoever no longer waits needs no answer.
            let dropped = runtime.block_on(server.drop_database(&name));
            let _ = done.send(());
            dropped
        });
        let _ = finished.recv_timeout(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_changes_its_name_in_the_url_and_nothing_else() {
        let of = |url: &str| Server::at(url).expect("it is a URL").url("x");
        assert_eq!(
            of("postgres://me:secret@[::1]:5433/postgres?a=1&b=/2"),
            "postgres://me:secret@[::1]:5433/x?a=1&b=/2"
        );
        assert_eq!(of("postgres://localhost"), "postgres://localhost/x");
        assert_eq!(of("postgres://localhost?user=me"), "postgres://localhost/x?user=me");
        assert!(Server::at("nonsense").is_err());
    }
}
