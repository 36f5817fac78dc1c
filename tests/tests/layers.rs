//! Inside each crate the modules stand in layers: a module uses only modules below it.
//!
//! The order is the list under `# Layers` at the top of each crate's root file, lowest first. A
//! module that has such a list is checked in the same way. The sources are read as tokens, so that paths in `use` trees, in expressions and inside of macros
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
const CRATES: [&str; 8] = [
    "protocol/src/lib.rs",
    "mask/src/lib.rs",
    "ftps/src/lib.rs",
    "store/src/lib.rs",
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
    for layered in all_layered() {
        let root = &layered.file;
        let documented: BTreeSet<&String> = layered.layers.iter().collect();
        let declared: BTreeSet<&String> = layered.modules.keys().collect();
        faults.extend(
            declared.difference(&documented).map(|name| format!("{root}: `{name}` has no layer")),
        );
        faults.extend(
            documented.difference(&declared).map(|name| format!("{root}: no module `{name}`")),
        );
        if documented.len() < layered.layers.len() {
            faults.push(format!("{root}: a module has two layers"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn modules_use_only_modules_below_them() {
    let faults: Vec<String> = all_layered().iter().flat_map(Layered::uses_upward).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Inside a module, `problems` may give methods to the types of the others.
#[test]
fn types_have_their_methods_in_their_own_module() {
    let faults: Vec<String> =
        CRATES.iter().flat_map(|root| Layered::of_crate(root).methods_elsewhere()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nested_modules_with_a_list_of_layers_are_found() {
    let files: Vec<String> = all_layered().into_iter().map(|layered| layered.file).collect();
    assert!(files.contains(&"web/src/shell.rs".to_owned()), "{files:?}");
}

#[test]
fn parsers_and_codecs_name_no_tokio() {
    let mut faults = Vec::new();
    for (root, modules) in WITHOUT_TOKIO {
        let crate_root = Layered::of_crate(root);
        for name in modules {
            let files = &crate_root.modules[*name].files;
            let tokens = files.iter().flat_map(|file| &file.tokens);
            let named = tokens.filter(|token| token.text == "tokio");
            faults.extend(named.map(|token| format!("{} names tokio", token.place)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let source = "use crate::{a::{B, C as X}, d::*}; fn f() { crate::e::g(); vec![super::h::I]; \
                  pub(in crate::j) const K: u8 = 0; }\n\
                  mod inner { use super::super::l::{self, m::N}; }\n\
                  #[cfg(test)] mod tests { use crate::m; }";
    let tokens = flatten(&parse(source, "x.rs"), Path::new("x.rs"));
    let found: Vec<String> =
        paths(&tokens, &["x".to_owned()]).into_iter().map(|path| path.names.join("::")).collect();
    assert_eq!(found, ["a::B", "a::C", "d", "e::g", "h::I", "l::self", "l::m::N"]);
}

#[test]
fn paths_inside_of_a_module_are_those_from_the_crate_s_root() {
    let source = "use super::{a::B, c}; use crate::shell::d; use super::super::super::e;";
    let tokens = flatten(&parse(source, "x.rs"), Path::new("x.rs"));
    let module = ["shell", "view", "log"].map(str::to_owned);
    let found: Vec<String> =
        paths(&tokens, &module).into_iter().map(|path| path.names.join("::")).collect();
    assert_eq!(found, ["shell::view::a::B", "shell::view::c", "shell::d", "e"]);
}

#[test]
fn exports_are_the_names_that_a_root_file_makes_public() {
    let source = "use self::a::B; pub use self::{c::D, e::{F, G}}; pub(crate) use h::I;";
    let tokens = flatten(&parse(source, "x.rs"), Path::new("x.rs"));
    let found: Vec<String> =
        exports(&tokens).iter().map(|(name, module)| format!("{name} of {module}")).collect();
    assert_eq!(found, ["D of c", "F of e", "G of e", "I of h"]);
}

#[test]
fn layers_are_the_names_before_the_colons() {
    let source = "//! Title\n//!\n//! # Layers\n//! - `a`, [`b`](mod@b): `x`.\n\
                  //! - this module: `y`.\n//! - [`mod@c`]: z.\n//!\n//! # Limits\n//! - `d`: none.";
    assert_eq!(documented_layers(source), ["a", "b", "c"]);
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

/// A crate, or a module of it, whose root file has a list of layers.
struct Layered {
    /// The root file, from the workspace's root.
    file: String,
    /// The path of the module; empty for a crate.
    path: Vec<String>,
    /// The modules as the root file documents them, lowest first.
    layers: Vec<String>,
    modules: BTreeMap<String, Module>,
    /// What the root file exports from its modules: the name, and the module that it is from.
    exported: BTreeMap<String, String>,
}

/// A module of the root with all of its children.
struct Module {
    files: Vec<SourceFile>,
    /// Structs, enums and unions that it defines.
    types: BTreeSet<String>,
}

struct SourceFile {
    /// From the workspace's root.
    file: String,
    source: String,
    tokens: Vec<Token>,
    /// The path of the file's module.
    module: Vec<String>,
}

/// One token outside of unit tests.
struct Token {
    text: String,
    place: Place,
    /// Inline modules around it.
    inline_modules: usize,
}

/// A path from the crate's root.
struct CratePath {
    names: Vec<String>,
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

/// All crates, and all modules that have a list of layers.
fn all_layered() -> Vec<Layered> {
    let mut all = Vec::new();
    for root in CRATES {
        let crate_root = Layered::of_crate(root);
        let modules = crate_root.modules.values();
        let files: Vec<&SourceFile> = modules.flat_map(|module| &module.files).collect();
        let nested = files.iter().filter(|file| !documented_layers(&file.source).is_empty());
        let nested: Vec<Layered> = nested.map(|file| Layered::new(file)).collect();
        all.push(crate_root);
        all.extend(nested);
    }
    all
}

impl Layered {
    /// Reads the crate with this root file.
    fn of_crate(root: &str) -> Self {
        Self::new(&SourceFile::read(&workspace().join(root), Vec::new()))
    }

    /// Reads the modules that a root file declares.
    fn new(root: &SourceFile) -> Self {
        let file = workspace().join(&root.file);
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let folder = file.parent().unwrap();
        let folder = match stem {
            "lib" | "main" | "mod" => folder.to_owned(),
            stem => folder.join(stem),
        };
        let modules = declared_modules(&root.tokens).into_iter().map(|name| {
            let module = Module::read(&folder, &root.module, &name);
            (name, module)
        });
        Self {
            file: root.file.clone(),
            path: root.module.clone(),
            layers: documented_layers(&root.source),
            modules: modules.collect(),
            exported: exports(&root.tokens),
        }
    }

    fn layer(&self, module: &str) -> Option<usize> {
        self.layers.iter().position(|name| name == module)
    }

    /// Every use of a module that stands above the one that uses it.
    fn uses_upward(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (user, module) in &self.modules {
            for path in module.files.iter().flat_map(|file| paths(&file.tokens, &file.module)) {
                let Some(name) = self.name_below(&path) else { continue };
                let used = self.exported.get(name).map_or(name, String::as_str);
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

    /// Returns the first name of a path after that of the root.
    fn name_below<'a>(&self, path: &'a CratePath) -> Option<&'a str> {
        path.names.strip_prefix(&*self.path)?.first().map(String::as_str)
    }

    /// Every inherent implementation of a type that another module defines: a user of the type
    /// would use that module too.
    fn methods_elsewhere(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, module) in &self.modules {
            let tokens = module.files.iter().map(|file| &file.tokens);
            for (type_name, place) in tokens.flat_map(|tokens| inherent_implementations(tokens)) {
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
    /// Reads `NAME.rs` or `NAME/mod.rs`, and all files below `NAME/`. `parent` is the path of the
    /// module that declares it.
    fn read(folder: &Path, parent: &[String], name: &str) -> Self {
        let path = [parent, &[name.to_owned()]].concat();
        let mut files = Vec::new();
        let file = folder.join(format!("{name}.rs"));
        if file.is_file() {
            files.push(SourceFile::read(&file, path.clone()));
        }
        read_folder(&folder.join(name), &path, &mut files);
        assert!(!files.is_empty(), "`{name}` has no source in {}", folder.display());
        let types = files.iter().flat_map(|file| defined_types(&file.tokens)).collect();
        Self { files, types }
    }
}

/// Reads the files of a module's folder, but not its unit tests.
fn read_folder(folder: &Path, module: &[String], files: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let stem = entry.file_stem().unwrap().to_str().unwrap();
        let child = [module, &[stem.to_owned()]].concat();
        if stem == "tests" {
            continue;
        }
        if entry.is_dir() {
            read_folder(&entry, &child, files);
        } else if stem == "mod" {
            files.push(SourceFile::read(&entry, module.to_owned()));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(SourceFile::read(&entry, child));
        }
    }
}

impl SourceFile {
    /// Reads a file; `module` is the path of its module.
    fn read(path: &Path, module: Vec<String>) -> Self {
        let shown = path.strip_prefix(workspace()).unwrap();
        let file = shown.display().to_string();
        let source = fs::read_to_string(path).unwrap();
        let tokens = flatten(&parse(&source, &file), shown);
        Self { file, source, tokens, module }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn parse(source: &str, file: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names in the bullets under `# Layers` of a root file's documentation. A bullet may name
/// several modules; one about "this module" is about the root file.
fn documented_layers(source: &str) -> Vec<String> {
    let documentation = source.lines().map_while(|line| line.strip_prefix("//!"));
    let layers = documentation.map(str::trim).skip_while(|line| *line != "# Layers").skip(1);
    layers
        .take_while(|line| !line.starts_with("# "))
        .filter_map(|line| line.strip_prefix("- "))
        .filter(|line| !line.starts_with("this module"))
        .filter_map(|line| line.split(": ").next())
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .map(|name| name.trim_start_matches("mod@").to_owned())
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
        if !statement[..start].iter().any(|token| token.text == "pub") {
            continue;
        }
        let is_from_self = is_text(statement, start + 1, "self");
        let start = if is_from_self { start + 3 } else { start + 1 };
        for path in expand(statement, start, &[]) {
            if let [module, .., name] = &*path.names {
                exported.insert(name.clone(), module.clone());
            }
        }
    }
    exported
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The paths that begin with `crate` or `super`, from the crate's root. `module` is the path of the
/// file's module.
fn paths(tokens: &[Token], module: &[String]) -> Vec<CratePath> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let is_inner = at > 0 && tokens[at - 1].text == "::";
        let is_visibility = at > 0 && tokens[at - 1].text == "in";
        let is_start = matches!(tokens[at].text.as_str(), "crate" | "super");
        if is_inner || is_visibility || !is_start || !is_text(tokens, at + 1, "::") {
            continue;
        }
        // The names of inline modules do not matter, only how many there are.
        let inline = vec![String::new(); tokens[at].inline_modules];
        let here = [module, &*inline].concat();
        found.extend(expand(tokens, at, &here));
    }
    found
}

fn is_text(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

/// The paths of the tree that begins at a token: one, or those in braces. `here` is the path of the
/// module that the tree is in.
fn expand(tokens: &[Token], at: usize, here: &[String]) -> Vec<CratePath> {
    let mut found = Vec::new();
    expand_into(&mut found, tokens, at, here.to_owned());
    found
}

/// Returns the position after the tree.
fn expand_into(
    found: &mut Vec<CratePath>,
    tokens: &[Token],
    mut at: usize,
    mut names: Vec<String>,
) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => return expand_braces(found, tokens, at + 1, &names),
            "crate" => names.clear(),
            "super" => drop(names.pop()),
            name if is_name(name) => names.push(name.to_owned()),
            _ => break,
        }
        at += 1;
        if !is_text(tokens, at, "::") {
            break;
        }
        at += 1;
    }
    let place = tokens[at - 1].place.clone();
    found.push(CratePath { names, place });
    at
}

/// Returns the position after the closing brace.
fn expand_braces(
    found: &mut Vec<CratePath>,
    tokens: &[Token],
    mut at: usize,
    names: &[String],
) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            _ => {
                at = expand_into(found, tokens, at, names.to_owned());
                // `as name`, or `*`.
                while !is_text(tokens, at, ",") && !is_text(tokens, at, "}") && at < tokens.len() {
                    at += 1;
                }
            }
        }
    }
    at
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
