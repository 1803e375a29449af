//! A client of the API server for writes, which go out at once.
//!
//! kube's own client leaves Nagle's algorithm on: the body of a POST on a warm connection then waits
//! for the acknowledgement of its head, which the API server's kernel delays by up to 40 ms. Every
//! bind would pay that. Reads have no body and do not need this client.

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{ClientBuilder, ConfigExt as _};
use kube::{Client, Config};
use tower::util::ServiceExt as _;

/// A client for what `config` describes. It does not repeat requests on its own, because a repeated
/// POST could hide an earlier one that was applied, and leaves time limits to its callers.
///
/// # Errors
/// When certificates, a token or headers of `config` cannot be used.
pub fn for_writes(mut config: Config) -> kube::Result<Client> {
    config.default_retry = false;
    if config.proxy_url.is_some() {
        // What a proxy's connection does is not ours to set.
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let requests = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .build(connector)
        .map_err(tower::BoxError::from);
    let stack = ClientBuilder::new(requests, config.default_namespace.clone())
        .with_layer(&config.extra_headers_layer()?);
    Ok(match config.auth_layer()? {
        Some(credentials) => stack
            .with_layer(&credentials)
            .with_layer(&config.base_uri_layer())
            .build(),
        None => stack.with_layer(&config.base_uri_layer()).build(),
    })
}
