//! Starting and stopping: the verbs on one port, health and metrics on another, and a stop that lets
//! calls in flight finish.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use super::{Server, handlers, health};

/// Between "not ready" and the end of answering, so that a load balancer or a probe notices.
const GRACE: Duration = Duration::from_millis(500);
/// The head of a request must be complete within this.
const HEAD: Duration = Duration::from_secs(5);
/// Calls in flight have so many seconds to finish.
const FINISH_S: u64 = 10;

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    /// Where the verbs are answered.
    pub verbs: SocketAddr,
    /// Where health and metrics are answered.
    pub health: SocketAddr,
    server: Arc<Server>,
    handles: [ServerHandle; 2],
}

/// Binds both ports and answers in the background.
///
/// # Errors
/// When a port cannot be had.
pub fn start(server: &Arc<Server>, workers: usize) -> io::Result<Running> {
    let limits = server.config.limits;
    let data = web::Data::new(server.clone());
    let verbs = {
        let data = data.clone();
        HttpServer::new(move || App::new().app_data(data.clone()).configure(handlers::verbs))
            .workers(workers)
            // Answers are written in one go; waiting for more to send would only delay them.
            .tcp_nodelay(true)
            // actix counts by worker.
            .max_connections(limits.connections.div_ceil(workers.max(1)))
            .client_request_timeout(HEAD)
            .keep_alive(Duration::from_secs(120))
            .shutdown_timeout(FINISH_S)
            .disable_signals()
            .bind(server.config.listen)
            .map_err(named(server.config.listen))?
    };
    let pages = HttpServer::new(move || App::new().app_data(data.clone()).configure(health::pages))
        .workers(1)
        .max_connections(64)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(server.config.health)
        .map_err(named(server.config.health))?;
    let addresses = (verbs.addrs(), pages.addrs());
    let (verbs, pages) = (verbs.run(), pages.run());
    let handles = [verbs.handle(), pages.handle()];
    tokio::spawn(verbs);
    tokio::spawn(pages);
    Ok(Running {
        verbs: addresses.0[0],
        health: addresses.1[0],
        server: server.clone(),
        handles,
    })
}

/// Says which address cannot be had.
fn named(address: SocketAddr) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{address}: {error}"))
}

impl Running {
    /// Fails readiness, waits a moment, lets calls in flight finish, stops.
    pub async fn stop(self) {
        self.server.health.stop();
        tokio::time::sleep(GRACE).await;
        let [verbs, pages] = self.handles;
        verbs.stop(true).await;
        pages.stop(true).await;
    }
}
