//! The security details: a summary with the connection, and all facts in a part of the page that opens.

use protocol::server::{Certificate, Connected, Tls};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    super::{
        dom::{Dom, Exception, Template, Visibility, query, set_text, show},
        locale::utc,
    },
    connect_steps::ConnectStepsView,
};
use crate::join::concat;
use crate::{
    certificate, connect_steps::ConnectSteps, connection::Connection, connection::facts, format,
};

pub(super) struct SecurityDetailsView {
    control: Element,
    data: Element,
    panel: HtmlElement,
    facts: Element,
    certificate: Template,
    shown: Option<Certificate>,
    trust: Element,
    control_facts: TlsView,
    data_facts: TlsView,
    no_data: HtmlElement,
    same_certificate: HtmlElement,
    not_resumed: HtmlElement,
    step_list: ConnectStepsView,
}

/// The facts of a TLS session.
struct TlsView {
    list: HtmlElement,
    version: Element,
    suite: Element,
    session: Element,
}

impl SecurityDetailsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        let no_data: HtmlElement = dom.find("security-no-data");
        set_text(&no_data, facts::no_data_connection());
        Ok(Self {
            control: dom.find("security-control"),
            data: dom.find("security-data"),
            panel: dom.find("security"),
            facts: dom.find("security-certificate"),
            certificate: Template::find(dom, "t-certificate"),
            shown: None,
            trust: dom.find("security-trust"),
            control_facts: TlsView::new(dom, "security-control-facts")?,
            data_facts: TlsView::new(dom, "security-data-facts")?,
            no_data,
            same_certificate: dom.find("security-same-certificate"),
            not_resumed: dom.find("security-not-resumed"),
            step_list: ConnectStepsView::new(dom, "security-steps")?,
        })
    }

    /// Returns the fingerprint of the certificate as it is shown.
    pub(super) fn fingerprint(&self) -> String {
        let shown = self.shown.as_ref();
        shown.map(|certificate| format::fingerprint(&certificate.sha256)).unwrap_or_default()
    }

    pub(super) fn draw(
        &mut self,
        connected: &Connected,
        connection: &Connection,
        connect_steps: &ConnectSteps,
    ) {
        show(&self.panel, Visibility::Shown);
        let version = facts::control_tls(&connected.tls, connected.encryption);
        set_text(&self.control, &facts::tls_summary(&version, &connected.tls));
        self.control_facts.draw(&version, &connected.tls);
        self.draw_data(connection.data_tls());
        if self.shown.as_ref() != Some(&connected.certificate) {
            let facts = describe(&self.certificate, &connected.certificate);
            self.facts.replace_children_with_node_1(&facts);
            self.shown = Some(connected.certificate.clone());
        }
        let trusted = connection.wanted().and_then(|wanted| connection.trusted_at(wanted));
        let by_you = trusted.is_some_and(|trusted| *trusted == connected.certificate.sha256);
        set_text(&self.trust, certificate::trusted_by(by_you));
        self.step_list.draw(connect_steps);
    }

    /// Hides all facts when the connection has ended.
    pub(super) fn hide(&self) {
        show(&self.panel, Visibility::Hidden);
    }

    fn draw_data(&self, tls: Option<&Tls>) {
        let short = match tls {
            Some(tls) => facts::tls_summary(&format::visible(&tls.version), tls),
            None => facts::no_data_connection().to_owned(),
        };
        set_text(&self.data, &short);
        if let Some(tls) = tls {
            self.data_facts.draw(&format::visible(&tls.version), tls);
        }
        show(&self.data_facts.list, Visibility::shown_if(tls.is_some()));
        show(&self.no_data, Visibility::shown_if(tls.is_none()));
        show(&self.same_certificate, Visibility::shown_if(tls.is_some()));
        show(&self.not_resumed, Visibility::shown_if(tls.is_some_and(|tls| !tls.resumed)));
    }
}

impl TlsView {
    fn new(dom: &Dom, list: &str) -> Result<Self, Exception> {
        let list: HtmlElement = dom.find(list);
        let facts = Template::find(dom, "t-tls").copy();
        list.append_child(&facts)?;
        Ok(Self {
            version: query(&facts, "[data-fact=version]"),
            suite: query(&facts, "[data-fact=suite]"),
            session: query(&facts, "[data-fact=session]"),
            list,
        })
    }

    fn draw(&self, version: &str, tls: &Tls) {
        set_text(&self.version, version);
        set_text(&self.suite, &format::visible(&tls.cipher_suite));
        set_text(&self.session, facts::tls_session(tls));
    }
}

/// Creates the list of a certificate's facts. The portal has computed the fingerprint; all other facts
/// are claims of the certificate.
pub(super) fn describe(template: &Template, certificate: &Certificate) -> Element {
    let facts = template.copy();
    for (fact, text) in [
        ("sha256", format::fingerprint(&certificate.sha256)),
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("names", certificate::names(certificate)),
        ("not-before", utc(&certificate.not_before)),
        ("not-after", utc(&certificate.not_after)),
    ] {
        let element: Element = query(&facts, &concat(&["[data-fact=", fact, "]"]));
        set_text(&element, &format::visible(&text));
    }
    facts.unchecked_into()
}
