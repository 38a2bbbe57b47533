//! Databases that are used again: to make one takes longer than to tell a story.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use signals_cluster::{Database, Server};
use signals_conformance::faults::Soil;
use signals_core::Backend as _;
use signals_runtime::PgBackend;
use sqlx::{PgPool, raw_sql};

use crate::pool;

/// The application's own table; and what the library's tables hold when they are new.
const TABLES: &str = "CREATE TABLE public.business (what text NOT NULL, number bigint NOT NULL);
    CREATE SCHEMA pristine;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'signals' LOOP
            EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE signals.%1$I', name);
        END LOOP;
    END $$";

/// Past triggers, each of which would look at all that is left.
const RESTORE: &str = "SET session_replication_role = replica;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' LOOP
            EXECUTE format('DELETE FROM signals.%1$I; INSERT INTO signals.%1$I OVERRIDING SYSTEM VALUE TABLE pristine.%1$I', name);
        END LOOP;
    END $$;
    RESET session_replication_role";

/// Every relation, index, constraint, function and trigger of the library, with what it is made of.
const SCHEMA: &str = "
    SELECT concat_ws(' ', 'relation', c.relkind, c.relname, c.reloptions) FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace('signals')
    UNION ALL SELECT concat_ws(' ', 'column', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = to_regnamespace('signals') AND a.attnum > 0
    UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relnamespace = to_regnamespace('signals')
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = to_regnamespace('signals')
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace('signals')
    UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = to_regnamespace('signals')
    ORDER BY 1";

/// The databases of stories that went well. They are dropped with the sweep.
pub(crate) struct Shelf {
    free: Mutex<HashMap<Soil, Vec<Database>>>,
    /// What there is in one that was migrated while nothing was cut.
    pub(crate) whole: Vec<String>,
}

impl Shelf {
    /// With nothing on it.
    pub(crate) async fn make() -> Self {
        let database = database(Soil::Untouched).await;
        let whole = schema(&pool(database.options(), 1)).await;
        Self { free: Mutex::new([(Soil::Untouched, vec![database])].into()), whole }
    }

    /// One to begin on; it has the application's table, and nothing is in it.
    pub(crate) async fn take(&self, soil: Soil) -> (Database, PgPool) {
        let free = self.lock().entry(soil).or_default().pop();
        let is_used = free.is_some();
        let database = match free {
            Some(database) => database,
            None => database(soil).await,
        };
        let direct = pool(database.options(), 1);
        let clear = match soil {
            _ if !is_used => "",
            Soil::Untouched => RESTORE,
            Soil::Left => "",
            Soil::Bare => "DROP SCHEMA IF EXISTS signals CASCADE",
        };
        for statement in [clear, "DELETE FROM public.business"] {
            raw_sql(statement).execute(&direct).await.expect("nobody is in the judge's way");
        }
        (database, direct)
    }

    /// Puts one back of a story that began on such a `soil`.
    pub(crate) fn put(&self, soil: Soil, database: Database) {
        self.lock().entry(soil).or_default().push(database);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Soil, Vec<Database>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new database, with the tables of the application, and those of the library unless it shall be bare.
async fn database(soil: Soil) -> Database {
    let server = Server::for_tests().expect("a server for the tests");
    let store = PgBackend::new(pool(server.options("postgres"), 1)).store();
    let is_bare = soil == Soil::Bare;
    let migrations = store.migrations().into_iter().map(|migration| migration.sql).filter(|_| !is_bare);
    let key: String = migrations.chain([TABLES]).collect();
    let prepare = async |url: String| {
        let pool = PgPool::connect(&url).await?;
        if !is_bare {
            PgBackend::new(pool.clone()).store().migrate().await?;
        }
        raw_sql(TABLES).execute(&pool).await?;
        pool.close().await;
        Ok(())
    };
    server.database_like(&key, prepare).await.expect("a database for stories")
}

/// What there is of the library's, and which migrations are noted.
pub(crate) async fn schema(pool: &PgPool) -> Vec<String> {
    let rows = async |query: &'static str| -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(pool).await.expect("nobody is in the judge's way")
    };
    let mut found = rows(SCHEMA).await;
    if !rows("SELECT 'it is there' WHERE to_regclass('signals.migration') IS NOT NULL").await.is_empty() {
        found.extend(rows("SELECT 'migration ' || number FROM signals.migration ORDER BY number").await);
    }
    found
}
