//! Inside each crate the modules stand in layers: a module uses only modules below it.
//!
//! The order is the list under `# Layers` at the top of each crate's root file, lowest first. The
//! sources are read as tokens, so that paths in `use` trees, in expressions and inside of macros
//! all count, and what is only compiled for another target counts too. Unit tests are exempt: they
//! may use the whole crate.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic outside of its function")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// The crates and their root files, from the workspace's root.
const CRATES: [&str; 6] = [
    "protocol/src/lib.rs",
    "ftps/src/lib.rs",
    "web/src/lib.rs",
    "server/src/lib.rs",
    "tests/src/lib.rs",
    "xtask/src/main.rs",
];

/// Parsers and codecs, which do no I/O and so never name tokio.
const WITHOUT_TOKIO: [(&str, &[&str]); 2] = [
    ("ftps/src/lib.rs", &["command", "digest", "features", "listing", "passive", "reply", "time"]),
    ("protocol/src/lib.rs", &["chunk", "client", "flow", "lines", "problem", "server"]),
];

#[test]
fn every_crate_documents_its_layers() {
    let mut faults = Vec::new();
    for root in CRATES {
        let krate = Crate::read(root);
        let documented: BTreeSet<&String> = krate.layers.iter().collect();
        let declared: BTreeSet<&String> = krate.modules.keys().collect();
        faults.extend(
            declared.difference(&documented).map(|name| format!("{root}: `{name}` has no layer")),
        );
        faults.extend(
            documented.difference(&declared).map(|name| format!("{root}: no module `{name}`")),
        );
        if documented.len() < krate.layers.len() {
            faults.push(format!("{root}: a module has two layers"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn modules_use_only_modules_below_them() {
    let faults: Vec<String> =
        CRATES.iter().flat_map(|root| Crate::read(root).uses_upward()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn types_have_their_methods_in_their_own_module() {
    let faults: Vec<String> =
        CRATES.iter().flat_map(|root| Crate::read(root).methods_elsewhere()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn parsers_and_codecs_name_no_tokio() {
    let mut faults = Vec::new();
    for (root, modules) in WITHOUT_TOKIO {
        let krate = Crate::read(root);
        for name in modules {
            let module = &krate.modules[*name];
            let named = module.tokens.iter().filter(|token| token.text == "tokio");
            faults.extend(named.map(|token| format!("{} names tokio", token.place)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let source = "use crate::{a::{B, C}, d}; fn f() { crate::e::g(); vec![super::h::I]; \
                  pub(in crate::j) const K: u8 = 0; }\n\
                  mod inner { use super::super::l; }\n\
                  #[cfg(test)] mod tests { use crate::m; }";
    let tokens = flatten(&parse(source, "x.rs"), Path::new("x.rs"));
    let found: Vec<String> = paths(&tokens, 1).into_iter().map(|path| path.first).collect();
    assert_eq!(found, ["a", "d", "e", "h", "l"]);
}

#[test]
fn inherent_implementations_are_told_from_those_of_traits() {
    let source = "impl A { } impl<T: Fn() -> u8> B<T> { } impl C for D { } impl<'a> e::F<'a> { } \
                  fn g() -> impl H { }";
    let tokens = flatten(&parse(source, "x.rs"), Path::new("x.rs"));
    let found: Vec<String> =
        inherent_implementations(&tokens).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["A", "B", "F"]);
}

/// A crate's sources, by the modules of its root.
struct Crate {
    /// The modules as the root file documents them, lowest first.
    layers: Vec<String>,
    modules: BTreeMap<String, Module>,
    /// What the root file exports from its modules: the name, and the module that it is from.
    exported: BTreeMap<String, String>,
}

/// A module of the root with all of its children.
#[derive(Default)]
struct Module {
    tokens: Vec<Token>,
    paths: Vec<CratePath>,
    /// Structs, enums and unions that it defines.
    types: BTreeSet<String>,
}

/// One token outside of unit tests.
struct Token {
    text: String,
    place: Place,
    /// Inline modules around it.
    inline_modules: usize,
}

/// A path from the crate's root, by its first name.
struct CratePath {
    first: String,
    place: Place,
}

/// A line of a source file.
#[derive(Clone)]
struct Place {
    file: PathBuf,
    line: usize,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Crate {
    /// Reads the crate with this root file.
    fn read(root: &str) -> Self {
        let file = workspace().join(root);
        let source = fs::read_to_string(&file).unwrap();
        let tokens = flatten(&parse(&source, root), Path::new(root));
        let folder = file.parent().unwrap();
        let modules = declared_modules(&tokens)
            .into_iter()
            .map(|name| {
                let module = Module::read(folder, &name);
                (name, module)
            })
            .collect();
        Self { layers: documented_layers(&source), modules, exported: exports(&tokens) }
    }

    fn layer(&self, module: &str) -> Option<usize> {
        self.layers.iter().position(|name| name == module)
    }

    /// Every use of a module that stands above the one that uses it.
    fn uses_upward(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (user, module) in &self.modules {
            for path in &module.paths {
                let used = self.exported.get(&path.first).unwrap_or(&path.first);
                if used == user || !self.modules.contains_key(used) {
                    continue;
                }
                if self.layer(used) > self.layer(user) {
                    faults.push(format!("{}: `{user}` uses `{used}` above it", path.place));
                }
            }
        }
        faults
    }

    /// Every inherent implementation of a type that another module defines: whoever uses the type
    /// would use that module too.
    fn methods_elsewhere(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, module) in &self.modules {
            for (type_name, place) in inherent_implementations(&module.tokens) {
                if module.types.contains(&type_name) {
                    continue;
                }
                let mut others = self.modules.iter();
                if let Some((home, _)) = others.find(|(_, other)| other.types.contains(&type_name))
                {
                    faults.push(format!(
                        "{place}: `{name}` gives methods to `{type_name}`, which is from `{home}`"
                    ));
                }
            }
        }
        faults
    }
}

impl Module {
    /// Reads `NAME.rs` or `NAME/mod.rs`, and all files below `NAME/`.
    fn read(folder: &Path, name: &str) -> Self {
        let mut module = Self::default();
        let file = folder.join(format!("{name}.rs"));
        if file.is_file() {
            module.add(&file, 1);
        }
        module.add_folder(&folder.join(name), 1);
        assert!(!module.tokens.is_empty(), "`{name}` has no source in {}", folder.display());
        module
    }

    fn add_folder(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in entries {
            let stem = entry.file_stem().unwrap().to_str().unwrap();
            if stem == "tests" {
                continue;
            }
            if entry.is_dir() {
                self.add_folder(&entry, depth + 1);
            } else if stem == "mod" {
                self.add(&entry, depth);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                self.add(&entry, depth + 1);
            }
        }
    }

    /// Adds a file whose module is `depth` below the crate's root.
    fn add(&mut self, file: &Path, depth: usize) {
        let shown = file.strip_prefix(workspace()).unwrap();
        let source = fs::read_to_string(file).unwrap();
        let tokens = flatten(&parse(&source, &shown.display().to_string()), shown);
        self.paths.extend(paths(&tokens, depth));
        self.types.extend(defined_types(&tokens));
        self.tokens.extend(tokens);
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn parse(source: &str, file: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names in the bullets under `# Layers` of the root file's documentation.
fn documented_layers(source: &str) -> Vec<String> {
    let documentation = source.lines().map_while(|line| line.strip_prefix("//!"));
    let layers = documentation.map(str::trim).skip_while(|line| *line != "# Layers").skip(1);
    layers
        .take_while(|line| !line.starts_with("# "))
        .filter_map(|line| line.strip_prefix("- "))
        .filter_map(|line| line.split('`').nth(1))
        .map(str::to_owned)
        .collect()
}

/// All tokens in a row, groups as their brackets, without unit tests.
fn flatten(stream: &TokenStream, file: &Path) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten_into(&mut tokens, stream, file, 0);
    tokens
}

fn flatten_into(tokens: &mut Vec<Token>, stream: &TokenStream, file: &Path, inline_modules: usize) {
    let add = |tokens: &mut Vec<Token>, text: String, span: Span| {
        let place = Place { file: file.to_owned(), line: span.start().line };
        tokens.push(Token { text, place, inline_modules });
    };
    for tree in stream.clone() {
        match tree {
            TokenTree::Ident(ident) => add(tokens, ident.to_string(), ident.span()),
            TokenTree::Literal(literal) => add(tokens, "literal".to_owned(), literal.span()),
            TokenTree::Punct(punct) => {
                let begun = tokens.last().map(|last| last.text.as_str());
                match (begun, punct.as_char()) {
                    // The second half of what its first half has announced.
                    (Some(":+"), ':') => replace_last(tokens, "::"),
                    (Some("-+"), '>') => replace_last(tokens, "->"),
                    (_, character @ (':' | '-')) if punct.spacing() == Spacing::Joint => {
                        add(tokens, format!("{character}+"), punct.span());
                    }
                    (_, character) => add(tokens, character.to_string(), punct.span()),
                }
            }
            TokenTree::Group(group) => {
                let is_module = ends_with_module(tokens);
                if is_module && is_test(tokens) {
                    continue;
                }
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                add(tokens, open.to_owned(), group.span_open());
                let inline_modules = inline_modules + usize::from(is_module);
                flatten_into(tokens, &group.stream(), file, inline_modules);
                add(tokens, close.to_owned(), group.span_close());
            }
        }
    }
}

fn replace_last(tokens: &mut [Token], text: &str) {
    if let Some(last) = tokens.last_mut() {
        text.clone_into(&mut last.text);
    }
}

/// Whether a module's body comes next.
fn ends_with_module(tokens: &[Token]) -> bool {
    matches!(tokens, [.., word, _] if word.text == "mod")
}

/// Whether the module at the end is for unit tests.
fn is_test(tokens: &[Token]) -> bool {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let Some(start) = tokens.len().checked_sub(attribute.len() + 1) else { return false };
    tokens[start..].iter().map(|token| token.text.as_str()).take(attribute.len()).eq(attribute)
}

/// The modules that a root file declares, but for unit tests.
fn declared_modules(tokens: &[Token]) -> Vec<String> {
    let declared =
        tokens.windows(3).filter(|window| window[0].text == "mod" && window[2].text == ";");
    declared.map(|window| window[1].text.clone()).filter(|name| name != "tests").collect()
}

/// What a root file exports: the names in `pub use module::{…}`, and the module of each.
fn exports(tokens: &[Token]) -> BTreeMap<String, String> {
    let mut exported = BTreeMap::new();
    for statement in tokens.split(|token| token.text == ";") {
        let Some(start) = statement.iter().position(|token| token.text == "use") else { continue };
        let [module, names @ ..] = &statement[start + 1..] else { continue };
        for name in names.iter().filter(|name| is_name(&name.text)) {
            exported.insert(name.text.clone(), module.text.clone());
        }
    }
    exported
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The paths that lead to the crate's root and from there into a module. `depth`: how many modules
/// the file is below the root.
fn paths(tokens: &[Token], depth: usize) -> Vec<CratePath> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_inner = at > 0 && tokens[at - 1].text == "::";
        let is_visibility = at > 0 && tokens[at - 1].text == "in";
        let after = match tokens[at].text.as_str() {
            "crate" if !is_inner && !is_visibility => Some(at + 1),
            "super" if !is_inner && !is_visibility => above_root(tokens, at, depth),
            _ => None,
        };
        if let Some(after) = after.filter(|&after| is_text(tokens, after, "::")) {
            found.extend(first_names(&tokens[after + 1..]));
        }
        at += 1;
    }
    found
}

/// The token after `super::super`, where that is the crate's root.
fn above_root(tokens: &[Token], at: usize, depth: usize) -> Option<usize> {
    let mut supers = 1;
    let mut next = at + 1;
    while is_text(tokens, next, "::") && is_text(tokens, next + 1, "super") {
        supers += 1;
        next += 2;
    }
    (supers == depth + tokens[at].inline_modules).then_some(next)
}

fn is_text(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

/// The first name of a path, or of each path of a tree in braces.
fn first_names(tokens: &[Token]) -> Vec<CratePath> {
    let path = |token: &Token| CratePath { first: token.text.clone(), place: token.place.clone() };
    if !is_text(tokens, 0, "{") {
        return tokens.first().map(path).into_iter().collect();
    }
    let mut found = Vec::new();
    let mut braces = 0_usize;
    let mut is_first = false;
    for token in tokens {
        match token.text.as_str() {
            "{" => {
                braces += 1;
                is_first = braces == 1;
            }
            "}" if braces == 1 => break,
            "}" => braces -= 1,
            "," => is_first = braces == 1,
            _ if is_first => {
                found.push(path(token));
                is_first = false;
            }
            _ => (),
        }
    }
    found
}

/// The types that are defined here.
fn defined_types(tokens: &[Token]) -> Vec<String> {
    let defined = tokens.windows(2).filter(|pair| {
        matches!(pair[0].text.as_str(), "struct" | "enum" | "union" | "trait" | "type")
            && is_name(&pair[1].text)
    });
    defined.map(|pair| pair[1].text.clone()).collect()
}

/// The types that get methods here, each with the place.
fn inherent_implementations(tokens: &[Token]) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins_item =
            at == 0 || matches!(tokens[at - 1].text.as_str(), "}" | ";" | "]" | "{" | "unsafe");
        if tokens[at].text == "impl" && begins_item {
            found.extend(self_type(&tokens[at + 1..]).map(|name| (name, tokens[at].place.clone())));
        }
    }
    found
}

/// The last name of the type between `impl` and `{`; nothing where a trait is implemented.
fn self_type(header: &[Token]) -> Option<String> {
    let mut angles = 0_usize;
    let mut name = None;
    for token in header {
        match token.text.as_str() {
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            "{" | "where" if angles == 0 => break,
            "for" if angles == 0 => return None,
            text if angles == 0 && is_name(text) => name = Some(text.to_owned()),
            _ => (),
        }
    }
    name
}
