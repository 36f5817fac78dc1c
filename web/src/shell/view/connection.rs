//! The way to the server: form, steps, facts, the certificate question, the lost link.

use protocol::{
    Problem, Stage,
    client::Secret,
    server::{Certificate, Connected},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlButtonElement, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::{
    super::dom::{Dom, Fault, Template, Visibility, part, set_attribute, set_text, show, utc},
    problem::ProblemTemplate,
};
use crate::{
    connection::{Connection, Ftps, Link},
    format,
    time::Millis,
    words,
};

/// What the page looks like as a whole; the style sheet goes by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting,
    Connected,
    /// Logged in before, and on the way back.
    Lost,
}

pub(super) struct ConnectionView {
    dom: Dom,
    phase: Phase,
    masthead: Element,
    form: HtmlElement,
    host: HtmlInputElement,
    password: HtmlInputElement,
    voyage: HtmlElement,
    voyage_title: Element,
    stops: Vec<HtmlElement>,
    give_up: HtmlElement,
    problem: HtmlElement,
    problem_template: ProblemTemplate,
    shown_problem: Option<Problem>,
    berth: HtmlElement,
    fact_server: Element,
    fact_user: Element,
    fact_tls: Element,
    fact_certificate: Element,
    drop_zone: HtmlElement,
    choose_files: HtmlButtonElement,
    choose_folder: HtmlButtonElement,
    remote: HtmlElement,
    link_notice: HtmlElement,
    link_notice_text: Element,
    reconnect: HtmlElement,
    dialog: HtmlDialogElement,
    doubts: Element,
    doubt: Template,
    dialog_facts: Element,
    certificate: Template,
}

impl ConnectionView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            phase: Phase::Idle,
            masthead: dom.find("masthead-state")?,
            form: dom.find("connect")?,
            host: dom.find("host")?,
            password: dom.find("password")?,
            voyage: dom.find("voyage")?,
            voyage_title: dom.find("voyage-title")?,
            stops: lay_out_stops(dom)?,
            give_up: dom.find("give-up")?,
            problem: dom.find("connection-problem")?,
            problem_template: ProblemTemplate::find(dom)?,
            shown_problem: None,
            berth: dom.find("berth")?,
            fact_server: dom.find("fact-server")?,
            fact_user: dom.find("fact-user")?,
            fact_tls: dom.find("fact-tls")?,
            fact_certificate: dom.find("fact-certificate")?,
            drop_zone: dom.find("drop-zone")?,
            choose_files: dom.find("choose-files")?,
            choose_folder: dom.find("choose-folder")?,
            remote: dom.find("remote")?,
            link_notice: dom.find("link-notice")?,
            link_notice_text: dom.find("link-notice-text")?,
            reconnect: dom.find("reconnect")?,
            dialog: dom.find("certificate-dialog")?,
            doubts: dom.find("certificate-doubts")?,
            doubt: Template::find(dom, "t-doubt")?,
            dialog_facts: dom.find("certificate-facts")?,
            certificate: Template::find(dom, "t-certificate")?,
        })
    }

    pub(super) fn password(&self) -> Secret {
        Secret::new(self.password.value())
    }

    pub(super) fn draw(&mut self, connection: &Connection, now: Millis) -> Result<(), Fault> {
        let phase = phase(connection);
        let before = std::mem::replace(&mut self.phase, phase);
        if let Some(body) = self.dom.body() {
            set_attribute(&body, "data-phase", name(phase));
        }
        self.draw_masthead(connection, phase);
        show(&self.form, Visibility::shown_if(phase == Phase::Idle));
        show(&self.voyage, Visibility::shown_if(phase == Phase::Connecting));
        show(&self.berth, Visibility::shown_if(matches!(phase, Phase::Connected | Phase::Lost)));
        show(&self.remote, Visibility::shown_if(matches!(phase, Phase::Connected | Phase::Lost)));
        show(
            &self.drop_zone,
            Visibility::shown_if(matches!(phase, Phase::Connected | Phase::Lost)),
        );
        for button in [&self.choose_files, &self.choose_folder] {
            button.set_disabled(phase != Phase::Connected);
        }
        self.draw_voyage(connection);
        if let (Ftps::In(connected), true) = (connection.ftps(), before != Phase::Connected) {
            self.draw_facts(connected, connection)?;
        }
        self.draw_link(connection, phase, now);
        self.draw_question(connection)?;
        self.draw_problem(connection, phase)?;
        self.move_focus(before, phase);
        Ok(())
    }

    fn draw_masthead(&self, connection: &Connection, phase: Phase) {
        let text = match (phase, connection.wanted()) {
            (Phase::Connected, Some(wanted)) => words::connected_to(&wanted.host),
            (Phase::Connecting | Phase::Lost, Some(wanted)) => words::connecting_to(&wanted.host),
            (_, _) => words::not_connected().to_owned(),
        };
        set_text(&self.masthead, &text);
    }

    fn draw_voyage(&self, connection: &Connection) {
        let reached = match connection.ftps() {
            Ftps::Connecting(stage) => *stage,
            Ftps::Asking(_) => Stage::Certificate,
            Ftps::Out | Ftps::In(_) | Ftps::Leaving(_) => return,
        };
        if let Some(wanted) = connection.wanted() {
            set_text(&self.voyage_title, &words::connecting_to(&wanted.host));
        }
        let current = words::STOPS.iter().rposition(|stage| *stage <= reached).unwrap_or(0);
        for (index, stop) in self.stops.iter().enumerate() {
            let (state, spoken) = match index.cmp(&current) {
                std::cmp::Ordering::Less => ("passed", words::stop_passed()),
                std::cmp::Ordering::Equal => ("current", words::stop_current()),
                std::cmp::Ordering::Greater => ("ahead", words::stop_ahead()),
            };
            set_attribute(stop, "data-state", state);
            if let Some(label) = stop.last_element_child() {
                set_text(&label, spoken);
            }
        }
    }

    fn draw_facts(&self, connected: &Connected, connection: &Connection) -> Result<(), Fault> {
        let server = words::server_fact(&connected.host, connected.port, &connected.address);
        set_text(&self.fact_server, &server);
        let user = connection.wanted().map(|wanted| wanted.username.as_str()).unwrap_or_default();
        set_text(&self.fact_user, &format::visible(user));
        set_text(&self.fact_tls, &words::tls_fact(&connected.tls, connected.encryption));
        let certificate = self.describe(&connected.certificate)?;
        self.fact_certificate.replace_children_with_node_1(&certificate);
        Ok(())
    }

    fn draw_link(&self, connection: &Connection, phase: Phase, now: Millis) {
        let text = match (phase, connection.link()) {
            (_, Link::Lost { .. }) => match connection.next_try_in(now) {
                Some(left) => words::retry_in(left),
                None => words::offline().to_owned(),
            },
            (Phase::Lost, _) => words::reconnecting().to_owned(),
            (Phase::Idle | Phase::Connecting | Phase::Connected, _) => String::new(),
        };
        set_text(&self.link_notice_text, &text);
        show(&self.link_notice, Visibility::shown_if(!text.is_empty()));
        let waits = matches!(connection.link(), Link::Lost { .. });
        show(&self.reconnect, Visibility::shown_if(waits));
    }

    fn draw_question(&self, connection: &Connection) -> Result<(), Fault> {
        match (connection.ftps(), self.dialog.open()) {
            (Ftps::Asking(certificate), false) => {
                self.doubts.replace_children_with_node_0();
                for doubt in &certificate.doubts {
                    let item = self.doubt.copy()?;
                    set_text(&item, &format::visible(doubt));
                    self.doubts.append_child(&item)?;
                }
                let facts = self.describe(certificate)?;
                self.dialog_facts.replace_children_with_node_1(&facts);
                self.dialog.set_return_value("");
                self.dialog.show_modal()
            }
            (Ftps::Asking(_), true) => Ok(()),
            (_, open) => {
                if open {
                    self.dialog.close();
                }
                Ok(())
            }
        }
    }

    fn draw_problem(&mut self, connection: &Connection, phase: Phase) -> Result<(), Fault> {
        // While the page comes back by itself, its notice says enough.
        let problem = connection.problem().filter(|_| phase != Phase::Connecting);
        if self.shown_problem.as_ref() != problem {
            self.problem_template.fill(&self.problem, problem)?;
            self.shown_problem = problem.cloned();
        }
        Ok(())
    }

    /// The focus goes on where the person does, if it was on what is hidden now.
    fn move_focus(&self, before: Phase, phase: Phase) {
        if before == phase || !self.dom.focus_is_lost() {
            return;
        }
        let next: &HtmlElement = match phase {
            Phase::Connecting => &self.give_up,
            Phase::Connected => &self.choose_files,
            Phase::Lost => &self.reconnect,
            Phase::Idle if self.shown_problem.is_some() => &self.problem,
            Phase::Idle => &self.host,
        };
        let _ = next.focus();
    }

    fn describe(&self, certificate: &Certificate) -> Result<Element, Fault> {
        let facts = self.certificate.copy()?;
        for (fact, text) in [
            ("sha256", format::fingerprint(&certificate.sha256)),
            ("subject", certificate.subject.clone()),
            ("issuer", certificate.issuer.clone()),
            ("names", words::names(certificate)),
            ("not-before", utc(&certificate.not_before)),
            ("not-after", utc(&certificate.not_after)),
        ] {
            let element: Element = part(&facts, &format!("[data-fact={fact}]"))?;
            set_text(&element, &format::visible(&text));
        }
        Ok(facts.unchecked_into())
    }
}

fn lay_out_stops(dom: &Dom) -> Result<Vec<HtmlElement>, Fault> {
    let list: Element = dom.find("stops")?;
    let template = Template::find(dom, "t-stop")?;
    words::STOPS
        .iter()
        .map(|stage| {
            let stop = template.copy()?;
            set_text(&part::<Element>(&stop, ".stop-name")?, words::stop(*stage));
            list.append_child(&stop)?;
            Ok(stop)
        })
        .collect()
}

fn phase(connection: &Connection) -> Phase {
    match connection.ftps() {
        Ftps::In(_) if connection.is_coming_back() => Phase::Lost,
        Ftps::In(_) => Phase::Connected,
        Ftps::Out | Ftps::Connecting(_) | Ftps::Asking(_) if connection.is_coming_back() => {
            Phase::Lost
        }
        Ftps::Connecting(_) | Ftps::Asking(_) => Phase::Connecting,
        Ftps::Out | Ftps::Leaving(None) => Phase::Idle,
        Ftps::Leaving(Some(_)) => Phase::Connecting,
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Connecting => "connecting",
        Phase::Connected => "connected",
        Phase::Lost => "lost",
    }
}
