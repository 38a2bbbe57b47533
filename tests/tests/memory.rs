//! The memory backend against the suite.

use signals_conformance::Harness;
use signals_core::Result;
use signals_core::clock::ManualClock;
use signals_runtime::backend::memory::{MemoryBackend, MemoryConn};
use std::sync::Arc;

struct Memory(MemoryBackend);

impl Harness for Memory {
    type Backend = MemoryBackend;

    async fn open(clock: ManualClock) -> Self {
        Self(MemoryBackend::with_clock(Arc::new(clock)))
    }

    fn backend(&self) -> &MemoryBackend {
        &self.0
    }

    async fn write(conn: &mut MemoryConn, key: &str, value: &str) -> Result<()> {
        conn.put(key, value);
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        self.0.committed(key)
    }

    async fn commit_and_begin(conn: &mut MemoryConn) -> Result<bool> {
        conn.commit_and_begin();
        Ok(true)
    }
}

signals_conformance::conformance!(Memory);
