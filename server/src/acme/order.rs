//! One order of a certificate: account, challenges, certificate (RFC 8555 §7.4).

use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error,
    ExternalAccountKey, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use store::{Challenge, StoreError};
use zeroize::Zeroizing;

use super::{
    challenges::Challenges,
    http_client::AuthorityClient,
    storage::{Storage, StorageError},
};

/// The first pause between two questions about an order; it grows by half each time.
const POLL_PAUSE: Duration = Duration::from_millis(500);

/// The error of an authority that does not know the account (RFC 8555 §6.7).
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// What is ordered, and from whom.
#[derive(Debug)]
pub(super) struct OrderConfig {
    /// The URL of the authority's directory.
    pub(super) directory: String,
    /// The names of the certificate.
    pub(super) domains: Vec<String>,
    /// The e-mail address that the authority may write to.
    pub(super) email: Option<String>,
    /// The account at the authority that the operator has already (RFC 8555 §7.3.4).
    pub(super) external_account: Option<ExternalAccount>,
    /// The longest duration of an order.
    pub(super) limit: Duration,
}

/// An account that the operator has at the authority.
pub(super) struct ExternalAccount {
    pub(super) key_id: String,
    pub(super) hmac_key: Zeroizing<Vec<u8>>,
}

/// Shows the id only.
impl std::fmt::Debug for ExternalAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ExternalAccount").field(&self.key_id).finish()
    }
}

/// The way in which the portal proves that a domain is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// TLS-ALPN-01 on the portal's HTTPS port (RFC 8737).
    TlsAlpn,
    /// HTTP-01 on `http_listen` (RFC 8555 §8.3).
    Http,
}

impl Method {
    fn challenge(self) -> ChallengeType {
        match self {
            Self::TlsAlpn => ChallengeType::TlsAlpn01,
            Self::Http => ChallengeType::Http01,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::TlsAlpn => "tls-alpn-01",
            Self::Http => "http-01",
        }
    }

    /// Where the authority asks, by its own rules.
    fn port(self) -> u16 {
        match self {
            Self::TlsAlpn => 443,
            Self::Http => 80,
        }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error("the certificate authority {directory}: {source}. {}", remedy(.source))]
    Authority { directory: String, source: Error },
    #[error(
        "the certificate authority {directory} gives the portal no account: {source}. {}",
        account_remedy(.source)
    )]
    Account { directory: String, source: Error },
    #[error(
        "the certificate authority did not find the portal at {domain} ({}): {detail}. The name has to \
         lead to this portal, and port {} of it has to be reachable from the internet",
        .method.name(), .method.port()
    )]
    Validation { domain: String, method: Method, detail: String },
    #[error("the certificate authority does not offer {} for {domain}", .method.name())]
    NotOffered { domain: String, method: Method },
    #[error("the authorization of {domain} cannot be used: {status:?}")]
    Authorization { domain: String, status: AuthorizationStatus },
    #[error(
        "the order did not end within {0:?}: raise `acme_order_timeout` if the authority is slow"
    )]
    Timeout(Duration),
    #[error("a key or a request for a certificate cannot be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OrderError {
    /// Returns whether another way of proof may succeed.
    pub(super) fn is_about_the_proof(&self) -> bool {
        matches!(self, Self::Validation { .. } | Self::NotOffered { .. })
    }
}

/// Returns what the operator can do about an error of the authority.
fn remedy(error: &Error) -> &'static str {
    let Error::Api(problem) = error else {
        return "Check `acme_directory`, the network, and with an authority of your own `acme_ca_file`";
    };
    let kind = problem.r#type.as_deref().unwrap_or_default();
    match kind.rsplit(':').next().unwrap_or_default() {
        "rejectedIdentifier" => "Check `acme_domains`",
        "rateLimited" => "The portal tries again later",
        _ => "The portal tries again later; the authority's documentation explains the error",
    }
}

/// Returns what the operator can do about an error of the authority when it is asked for an account.
fn account_remedy(error: &Error) -> &'static str {
    let Error::Api(problem) = error else { return remedy(error) };
    let kind = problem.r#type.as_deref().unwrap_or_default();
    match kind.rsplit(':').next().unwrap_or_default() {
        "externalAccountRequired" => {
            "Set `acme_eab_key_id` and `acme_eab_hmac_key_file` to what the authority gave you"
        }
        "unauthorized" | "malformed" => {
            "If the authority gave you an account, check `acme_eab_key_id` and the key in \
             `acme_eab_hmac_key_file`"
        }
        "invalidContact" | "unsupportedContact" => "Check `acme_email`",
        _ => remedy(error),
    }
}

/// A certificate as the authority issued it.
pub(super) struct NewCertificate {
    /// The certificate with its chain in PEM form.
    pub(super) chain: String,
    /// The private key in PEM form.
    pub(super) key: Zeroizing<String>,
}

/// Orders certificates.
pub(super) struct Orderer<'a> {
    pub(super) config: &'a OrderConfig,
    pub(super) client: &'a AuthorityClient,
    pub(super) storage: &'a Storage,
    pub(super) challenges: &'a Challenges,
}

impl Orderer<'_> {
    /// Orders a certificate, which replaces an earlier one.
    ///
    /// # Errors
    /// When the authority issues none.
    pub(super) async fn order(
        &self,
        method: Method,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<NewCertificate, OrderError> {
        let limit = self.config.limit;
        let ordered = tokio::time::timeout(limit, self.order_without_limit(method, replaces)).await;
        self.challenges.clear().await;
        ordered.unwrap_or(Err(OrderError::Timeout(limit)))
    }

    /// Returns the account: the one that is kept, or a new one.
    pub(super) async fn account(&self) -> Result<Account, OrderError> {
        let directory = &self.config.directory;
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        if let Some(kept) = self.storage.account(directory).await? {
            let credentials: AccountCredentials =
                serde_json::from_slice(&kept).map_err(|error| self.failed(error.into()))?;
            return builder.from_credentials(credentials).await.map_err(|error| self.failed(error));
        }
        let contact = self.config.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount {
            contact: &contact,
            // The operator agrees by naming the authority: docs/operating.md says so.
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let external = self.config.external_account.as_ref();
        let external =
            external.map(|own| ExternalAccountKey::new(own.key_id.clone(), &own.hmac_key));
        let created = builder.create(&account, directory.clone(), external.as_ref()).await;
        let (account, credentials) = created
            .map_err(|source| OrderError::Account { directory: directory.clone(), source })?;
        let kept = serde_json::to_vec(&credentials).map(Zeroizing::new);
        let kept = kept.map_err(|error| self.failed(error.into()))?;
        self.storage.put_account(directory, &kept).await?;
        tracing::info!(directory, "the certificate authority has a new account of this portal");
        Ok(account)
    }

    async fn order_without_limit(
        &self,
        method: Method,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<NewCertificate, OrderError> {
        let mut order = self.begin(replaces).await?;
        self.answer(&mut order, method).await?;
        let policy = self.policy();
        match order.poll_ready(&policy).await {
            Ok(OrderStatus::Invalid) | Err(Error::Api(_)) => {
                return Err(self.validation_error(&mut order, method).await);
            }
            Ok(_) => {}
            Err(error) => return Err(self.failed(error)),
        }
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(self.config.domains.clone())?;
        parameters.distinguished_name = DistinguishedName::new();
        let request = parameters.serialize_request(&key)?;
        order.finalize_csr(request.der()).await.map_err(|error| self.failed(error))?;
        let chain = order.poll_certificate(&policy).await.map_err(|error| self.failed(error))?;
        Ok(NewCertificate { chain, key: Zeroizing::new(key.serialize_pem()) })
    }

    /// Begins the order. An account that the authority does not know is made anew.
    async fn begin(
        &self,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<Order, OrderError> {
        let identifiers: Vec<_> =
            self.config.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = NewOrder::new(&identifiers);
        if let Some(replaces) = replaces {
            order = order.replaces(replaces);
        }
        match self.account().await?.new_order(&order).await {
            Ok(order) => Ok(order),
            Err(error) if is_unknown_account(&error) => {
                tracing::warn!(
                    "the certificate authority does not know the account: a new one is made"
                );
                self.storage.remove_account(&self.config.directory).await?;
                let begun = self.account().await?.new_order(&order).await;
                begun.map_err(|error| self.failed(error))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Prepares the answers to the challenges, and tells the authority to ask.
    async fn answer(&self, order: &mut Order, method: Method) -> Result<(), OrderError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.failed(error))?;
            let domain = authorization.identifier().to_string();
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => return Err(OrderError::Authorization { domain, status }),
            }
            let Some(mut challenge) = authorization.challenge(method.challenge()) else {
                return Err(OrderError::NotOffered { domain, method });
            };
            let answer = Challenge {
                token: challenge.token.clone(),
                domain,
                key_authorization: challenge.key_authorization().as_str().to_owned(),
            };
            self.challenges.add(answer).await?;
            challenge.set_ready().await.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Returns what the authority says about the challenge that failed.
    async fn validation_error(&self, order: &mut Order, method: Method) -> OrderError {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let domain = authorization.identifier().to_string();
            // The state from before the authority asked has no error.
            let Ok(state) = authorization.refresh().await else { continue };
            let error = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
            if let Some(problem) = error {
                let detail = problem.detail.clone().unwrap_or_else(|| problem.to_string());
                return OrderError::Validation { domain, method, detail };
            }
        }
        let domain = self.config.domains.join(", ");
        OrderError::Validation { domain, method, detail: "the order is invalid".to_owned() }
    }

    fn policy(&self) -> RetryPolicy {
        RetryPolicy::new().initial_delay(POLL_PAUSE).backoff(1.5).timeout(self.config.limit)
    }

    fn failed(&self, source: Error) -> OrderError {
        OrderError::Authority { directory: self.config.directory.clone(), source }
    }
}

fn is_unknown_account(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT))
}
