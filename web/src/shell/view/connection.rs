//! The server panel: form, connect steps, facts of the connection; the certificate dialog, and the
//! notice about a lost connection to the portal.

use protocol::{
    Problem, Stage,
    client::Secret,
    server::{Certificate, Connected},
};
use web_sys::{Element, HtmlButtonElement, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::{
    super::dom::{Dom, Exception, Template, Visibility, set_attribute, set_text, show},
    super::form,
    connect_steps::ConnectStepsView,
    failure::FailureView,
    security_details::{SecurityDetailsView, describe},
};
use crate::{
    connect_steps::ConnectSteps,
    connection::facts,
    connection::wording,
    connection::{Connection, FtpsState, SocketState},
    format,
    page::Page,
    time::Millis,
};

/// The attribute of the certificate dialog that holds the fingerprint it shows.
pub(in crate::shell) const SHOWN_CERTIFICATE: &str = "data-sha256";

/// The phase of the connection, by which the style sheet lays out the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting,
    Connected,
    /// The connection was lost, and is being restored.
    Reconnecting,
}

pub(super) struct ConnectionView {
    dom: Dom,
    phase: Phase,
    state_text: Element,
    form: HtmlElement,
    host: HtmlInputElement,
    password: HtmlInputElement,
    connect_steps: HtmlElement,
    connect_steps_title: HtmlElement,
    step_list: ConnectStepsView,
    /// Whether the connect steps are shown: as soon as they take a while, until all have ended.
    is_connecting: bool,
    cancel: HtmlElement,
    connect_button: HtmlElement,
    failure: FailureView,
    connected: HtmlElement,
    connected_head: HtmlElement,
    connected_host: Element,
    connected_details: Element,
    server: Element,
    user: Element,
    security_details: SecurityDetailsView,
    drop_zone: HtmlElement,
    choose_files: HtmlButtonElement,
    choose_folder: HtmlButtonElement,
    remote: HtmlElement,
    notice: HtmlElement,
    notice_text: Element,
    reconnect: HtmlElement,
    dialog: HtmlDialogElement,
    doubts: Element,
    doubt: Template,
    dialog_facts: Element,
    dialog_hint: Element,
    remember: HtmlInputElement,
    certificate: Template,
}

impl ConnectionView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        Ok(Self {
            dom: dom.clone(),
            phase: Phase::Idle,
            state_text: dom.find("connection-state"),
            form: dom.find("connect"),
            host: dom.find("host"),
            password: dom.find("password"),
            connect_steps: dom.find("connect-steps"),
            connect_steps_title: dom.find("connect-steps-title"),
            step_list: ConnectStepsView::new(dom, "connect-steps-list")?,
            is_connecting: false,
            cancel: dom.find("cancel-connect"),
            connect_button: dom.find("connect-button"),
            failure: FailureView::new(dom)?,
            connected: dom.find("connected"),
            connected_head: dom.find("connected-head"),
            connected_host: dom.find("connected-host"),
            connected_details: dom.find("connected-details"),
            server: dom.find("fact-server"),
            user: dom.find("fact-user"),
            security_details: SecurityDetailsView::new(dom)?,
            drop_zone: dom.find("drop-zone"),
            choose_files: dom.find("choose-files"),
            choose_folder: dom.find("choose-folder"),
            remote: dom.find("remote"),
            notice: dom.find("connection-notice"),
            notice_text: dom.find("connection-notice-text"),
            reconnect: dom.find("reconnect"),
            dialog: dom.find("certificate-dialog"),
            doubts: dom.find("certificate-doubts"),
            doubt: Template::find(dom, "t-doubt"),
            dialog_facts: dom.find("certificate-facts"),
            dialog_hint: dom.find("certificate-hint"),
            remember: dom.find("certificate-remember"),
            certificate: Template::find(dom, "t-certificate"),
        })
    }

    pub(super) fn password(&self) -> Secret {
        Secret::new(self.password.value())
    }

    /// Returns the fingerprint of the server's certificate as it is shown.
    pub(super) fn fingerprint(&self) -> String {
        self.security_details.fingerprint()
    }

    pub(super) fn draw(&mut self, page: &Page, now: Millis) -> Result<(), Exception> {
        let connection = page.connection();
        let phase = phase(connection);
        let before = std::mem::replace(&mut self.phase, phase);
        let was_connecting = self.is_connecting;
        self.is_connecting = (phase == Phase::Connecting && page.connect_steps().are_shown())
            || (phase == Phase::Connected && was_connecting && page.connect_steps().is_running());
        if let Some(body) = self.dom.body() {
            set_attribute(&body, "data-phase", name(phase));
        }
        self.draw_state_text(connection, phase);
        let is_logged_in = matches!(phase, Phase::Connected | Phase::Reconnecting);
        // Until the steps are shown, the button says that the page connects.
        let is_busy = phase == Phase::Connecting && !self.is_connecting;
        show(&self.form, Visibility::shown_if(phase == Phase::Idle || is_busy));
        set_attribute(&self.connect_button, "aria-busy", if is_busy { "true" } else { "false" });
        for element in [&self.connected, &self.connected_head] {
            show(element, Visibility::shown_if(is_logged_in && !self.is_connecting));
        }
        show(&self.remote, Visibility::shown_if(is_logged_in));
        show(&self.drop_zone, Visibility::shown_if(is_logged_in && page.takes_drops()));
        for button in [&self.choose_files, &self.choose_folder] {
            button.set_disabled(phase != Phase::Connected);
        }
        self.draw_connect_steps(connection, page.connect_steps());
        // While the page reconnects by itself, the notice is enough.
        let problem = connection.problem().filter(|_| phase != Phase::Connecting);
        let has_failed = self.failure.draw(problem, page.connect_steps());
        if has_failed && phase == Phase::Idle && problem.is_some_and(concerns_advanced) {
            form::open_advanced(&self.dom);
        }
        match connection.ftps() {
            FtpsState::Connected(connected) => {
                self.draw_facts(connected, connection);
                self.security_details.draw(connected, connection, page.connect_steps());
            }
            _ if is_logged_in => {}
            _ => self.security_details.hide(),
        }
        self.draw_notice(connection, phase, now);
        self.draw_certificate_dialog(connection)?;
        let ended = before == Phase::Connecting && phase == Phase::Idle;
        if before != phase || was_connecting != self.is_connecting {
            self.move_focus(phase, ended);
        }
        Ok(())
    }

    fn draw_state_text(&self, connection: &Connection, phase: Phase) {
        let text = match (phase, connection.wanted()) {
            (Phase::Connected, Some(wanted)) => wording::connected_to(&wanted.host),
            (Phase::Connecting | Phase::Reconnecting, Some(wanted)) => {
                wording::connecting_to(&wanted.host)
            }
            (_, _) => wording::not_connected().to_owned(),
        };
        set_text(&self.state_text, &text);
    }

    fn draw_connect_steps(&self, connection: &Connection, connect_steps: &ConnectSteps) {
        show(&self.connect_steps, Visibility::shown_if(self.is_connecting));
        if let Some(wanted) = connection.wanted() {
            set_text(&self.connect_steps_title, &wording::connecting_to(&wanted.host));
        }
        self.step_list.draw(connect_steps);
    }

    fn draw_facts(&self, connected: &Connected, connection: &Connection) {
        let server = facts::server(&connected.host, connected.port, &connected.address);
        set_text(&self.server, &server);
        let user = connection.wanted().map(|wanted| wanted.username.as_str()).unwrap_or_default();
        set_text(&self.user, &format::name(user));
        set_text(&self.connected_host, &format::name(&connected.host));
        set_text(&self.connected_details, &facts::user_and_tls(user, &connected.tls));
    }

    fn draw_notice(&self, connection: &Connection, phase: Phase, now: Millis) {
        let text = match (phase, connection.socket()) {
            (_, SocketState::Lost { .. }) => match connection.next_retry_in(now) {
                Some(left) => wording::retry_in(left),
                None => wording::offline().to_owned(),
            },
            (Phase::Reconnecting, _) => wording::reconnecting().to_owned(),
            (Phase::Idle | Phase::Connecting | Phase::Connected, _) => String::new(),
        };
        set_text(&self.notice_text, &text);
        show(&self.notice, Visibility::shown_if(!text.is_empty()));
        let waits = matches!(connection.socket(), SocketState::Lost { .. });
        show(&self.reconnect, Visibility::shown_if(waits));
    }

    fn draw_certificate_dialog(&self, connection: &Connection) -> Result<(), Exception> {
        match (connection.ftps(), self.dialog.open()) {
            (FtpsState::CertificateQuestion(certificate), open)
                if !open || self.shows_other_than(certificate) =>
            {
                set_attribute(&self.dialog, SHOWN_CERTIFICATE, &certificate.sha256);
                self.doubts.replace_children_with_node_0();
                for doubt in &certificate.doubts {
                    let item = self.doubt.copy();
                    set_text(&item, &format::visible(doubt));
                    self.doubts.append_child(&item)?;
                }
                let facts = describe(&self.certificate, certificate);
                self.dialog_facts.replace_children_with_node_1(&facts);
                set_text(&self.dialog_hint, "");
                self.remember.set_checked(false);
                self.dialog.set_return_value("");
                if open { Ok(()) } else { self.dialog.show_modal() }
            }
            (FtpsState::CertificateQuestion(_), _) => Ok(()),
            (_, open) => {
                if open {
                    self.dialog.remove_attribute(SHOWN_CERTIFICATE)?;
                    self.dialog.close();
                }
                Ok(())
            }
        }
    }

    /// Whether the dialog shows another certificate: two questions may come between two frames.
    fn shows_other_than(&self, certificate: &Certificate) -> bool {
        self.dialog.get_attribute(SHOWN_CERTIFICATE).as_ref() != Some(&certificate.sha256)
    }

    /// Moves the focus to where the user continues, if the element that had it is hidden now, or if
    /// the attempt to connect has `ended` with a problem.
    fn move_focus(&self, phase: Phase, ended: bool) {
        if ended && self.failure.is_shown() {
            let _ = self.failure.focus();
            return;
        }
        if !self.dom.focus_is_lost() {
            return;
        }
        let next: &HtmlElement = match phase {
            Phase::Connecting if self.is_connecting => &self.cancel,
            Phase::Connecting => &self.connect_button,
            Phase::Connected => &self.choose_files,
            Phase::Reconnecting => &self.reconnect,
            Phase::Idle => &self.host,
        };
        let _ = next.focus();
    }
}

fn phase(connection: &Connection) -> Phase {
    match connection.ftps() {
        FtpsState::Connected(_) if connection.is_reconnecting() => Phase::Reconnecting,
        FtpsState::Connected(_) => Phase::Connected,
        FtpsState::Disconnected | FtpsState::Connecting(_) | FtpsState::CertificateQuestion(_)
            if connection.is_reconnecting() =>
        {
            Phase::Reconnecting
        }
        FtpsState::Connecting(_) | FtpsState::CertificateQuestion(_) => Phase::Connecting,
        FtpsState::Disconnected | FtpsState::Disconnecting(None) => Phase::Idle,
        FtpsState::Disconnecting(Some(_)) => Phase::Connecting,
    }
}

/// Whether port or encryption may be why the connection failed.
fn concerns_advanced(problem: &Problem) -> bool {
    (Stage::Connect..=Stage::Tls).contains(&problem.stage)
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Connecting => "connecting",
        Phase::Connected => "connected",
        Phase::Reconnecting => "reconnecting",
    }
}
