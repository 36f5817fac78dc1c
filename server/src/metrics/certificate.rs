//! The end of the portal's certificate.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

/// The end of the certificate that browsers see. A portal without a certificate shows no such figure, so
/// that no alert fires.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateExpiry(Arc<AtomicU64>);

impl CertificateExpiry {
    pub(super) fn set(&self, end: SystemTime) {
        let end = end.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.store(end.as_secs(), Ordering::Relaxed);
    }

    /// Returns the end, if there is a certificate.
    pub(super) fn get(&self) -> Option<SystemTime> {
        let end = self.0.load(Ordering::Relaxed);
        (end != 0).then(|| UNIX_EPOCH + Duration::from_secs(end))
    }
}

impl Collector for CertificateExpiry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let end = self.0.load(Ordering::Relaxed);
        if end == 0 {
            return Ok(());
        }
        let gauge = ConstGauge::new(end);
        let help = "When the certificate that browsers see ends, since 1970";
        let name = "certificate_expiry_seconds";
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
    }
}
