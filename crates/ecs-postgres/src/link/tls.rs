//! Whether connections are encrypted.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Connection, NoTls};

use crate::error::ConnectError;
use crate::options::PostgresOptions;

/// How connections are made.
pub(crate) enum Tls {
    /// In the clear.
    None,
    /// Through rustls.
    #[cfg(feature = "tls")]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

impl Tls {
    #[cfg(not(feature = "tls"))]
    pub(super) fn new(_: &PostgresOptions) -> Result<Self, ConnectError> {
        Ok(Self::None)
    }

    #[cfg(feature = "tls")]
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, ConnectError> {
        use tokio_postgres::config::SslMode;
        if options.config()?.get_ssl_mode() == SslMode::Disable {
            return Ok(Self::None);
        }
        let mut roots = rustls::RootCertStore::empty();
        match &options.certificates {
            Some(certificates) => {
                for certificate in certificates {
                    let added = roots.add(certificate.clone().into());
                    added.map_err(|error| ConnectError::Certificate(error.to_string()))?;
                }
            }
            // Those of the system that can't be read are passed over, as browsers do.
            None => drop(
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
            ),
        }
        let provider = rustls::crypto::ring::default_provider();
        let config = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectError::Certificate(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::Rustls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
    }

    /// Connects, and lets the connection run by itself.
    pub(super) async fn connect(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        let Listening { client, mut messages } = self.connect_listening(config).await?;
        // What ends it is told by the next thing that is asked of the client.
        tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
        Ok(client)
    }

    /// Connects. The client is served while somebody takes the messages.
    pub(super) async fn connect_listening(
        &self,
        config: &Config,
    ) -> Result<Listening, tokio_postgres::Error> {
        match self {
            Self::None => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok(Listening { client, messages: messages(connection) })
            }
            #[cfg(feature = "tls")]
            Self::Rustls(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Ok(Listening { client, messages: messages(connection) })
            }
        }
    }

    /// Asks the server to give up what it does on a connection, without waiting.
    pub(super) fn cancel(&self, token: CancelToken) {
        match self {
            Self::None => drop(tokio::spawn(async move { token.cancel_query(NoTls).await })),
            #[cfg(feature = "tls")]
            Self::Rustls(tls) => {
                let tls = tls.clone();
                drop(tokio::spawn(async move { token.cancel_query(tls).await }));
            }
        }
    }
}

/// A connection, and what the server says without being asked.
pub(super) struct Listening {
    pub(super) client: Client,
    pub(super) messages: Messages,
}

type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

fn messages<S, T>(mut connection: Connection<S, T>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(stream::poll_fn(move |context| connection.poll_message(context)))
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            #[cfg(feature = "tls")]
            Self::Rustls(_) => "rustls",
        })
    }
}
