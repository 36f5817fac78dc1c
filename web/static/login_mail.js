// Reads server and credentials out of a text that somebody was sent: an e-mail, a hosting panel's page, a
// list with one value a line. In English, German, French and Spanish. The page loads this when such a text
// is pasted.
//
// What is not certain is left out: a field that stays empty is filled in by its user, a wrong one fails the
// login.

// The words that a label consists of, first those that decide.
const FIELDS = [
  ["password", /^(passw|passe$|pass$|kennwort|contrase|clave$|mdp$|pwd$|pw$)/],
  ["port", /^(port|puerto)$/],
  ["user", /^(user|benutzer|nutzer|utilisateur|identifiant|usuario|kennung$|anmeldename)/],
  ["path", /^(folder|directory|path$|ordner|verzeichnis|pfad$|dossier|r[ée]pertoire|carpeta|directorio|ruta$|chemin)/],
  ["host", /^(host|server|serveur|servidor|h[ôo]te$|adress|address|direcci)/],
  ["encryption", /^(encrypt|verschl|chiffr|cifrado|proto[ck]|tls$|ssl$)/],
  ["user", /^login/],
];
// Words that mean a user name beside FTP only.
const FTP_ACCOUNT = /^(account|konto|compte|cuenta)/;
// Words that make a label one of something else.
const OTHER = /^(e?mail|imap|smtp|pop|mysql|data|datenbank|db|nameserver|dns|panel|passiv|home|web)/;
const MAX_LABEL_WORDS = 5;
// Separates the pairs of a label and a value that stand in one line.
const PAIR_SEPARATOR = /, |; | \| | \/ /g;
// The port of SFTP, which is another protocol.
const SSH_PORT = 22;

// Returns the meaning of a label, and whether it is one of FTP.
const meaning = (label) => {
  const words = label.toLowerCase().split(/[\s\-_'’/]+/u)
    .map((word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ""))
    .filter(Boolean);
  const has = (pattern) => words.some((word) => pattern.test(word));
  if (words.length > MAX_LABEL_WORDS || has(OTHER)) return null;
  const ofFtp = has(/^ftp/);
  const field = FIELDS.find(([, pattern]) => has(pattern))?.[0] ?? (ofFtp && has(FTP_ACCOUNT) ? "user" : null);
  return field && { field, ofFtp };
};

// Splits a known label from what follows it.
const labelled = (text) => {
  for (const { 0: mark, index } of text.matchAll(/\t|:|=| {2,}/g)) {
    const label = meaning(text.slice(0, index));
    if (label) return { label, value: text.slice(index + mark.length).replace(/^[:=](?=\s)/, "").trim() };
  }
  return { label: null, value: text };
};

// Splits a line into pairs of a label and a value. A part without a label belongs to the value before it.
const pairsOf = (line) => {
  const pairs = [];
  for (let rest = line; rest !== null;) {
    const { label, value } = labelled(rest);
    const next = [...value.matchAll(PAIR_SEPARATOR)]
      .find(({ 0: mark, index }) => labelled(value.slice(index + mark.length)).label);
    pairs.push({ label, value: value.slice(0, next?.index).trim() });
    rest = next ? value.slice(next.index + next[0].length) : null;
  }
  return pairs;
};

// Whether a line without a colon may be a label, and the next line its value: `FTP server`, but no sentence.
const isHeading = (line) => line.split(/\s+/).filter((word) => !/^ftp$/i.test(word)).length === 1;

// Whether a text holds the name or the address of a server, with a dot at least.
const isServer = (text) => {
  const host = text.replace(/^\w+:\/\//, "").replace(/^.*@/, "").replace(/[:/].*$/, "");
  return /^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)+$/u.test(host);
};

// Whether a value stands for one that is told elsewhere: `********`, `(separately)`, `<yours>`.
const isPlaceholder = (value) => /^(.)\1\1+$|^[([<{]|^$/u.test(value);

const isWord = (value) => !/\s/.test(value) && !isPlaceholder(value);

// Returns the value of a field, or null if it is not certain to be one.
const checked = (field, value) => {
  const [first] = value.split(/\s/);
  switch (field) {
    case "host": return isServer(first) ? first : null;
    case "port": {
      const port = Number.parseInt(first, 10);
      return port > 0 && port < 65536 && port !== SSH_PORT ? `${port}` : null;
    }
    case "user": return isWord(value) && !value.includes("://") ? value : null;
    case "password": return isWord(value) ? value : null;
    // A path of the machine is not one of the login.
    case "path": return isWord(value) && !/^\/(home|var|srv|usr)\/|\\/.test(value) ? value : null;
    default: return /(im|ex)pli/i.exec(value)?.[1].toLowerCase().concat("plicit") ?? null;
  }
};

// Returns the only one of some values.
const only = (values) => (new Set(values).size === 1 ? values[0] : undefined);

/// Returns `host` (or an address), `port`, `user`, `password`, `path` and `encryption`, as far as the text
/// names them.
export const read = (text) => {
  const found = [];
  const add = (label, value) => {
    const known = checked(label.field, value);
    if (known !== null) found.push({ ...label, value: known });
  };
  let before = null;
  for (const line of text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean)) {
    const pairs = pairsOf(line);
    const isOnly = pairs.length === 1;
    if (before && isOnly && !pairs[0].label && !meaning(line)) add(before, line);
    before = null;
    for (const { label, value } of pairs) {
      if (!label) before = isOnly && isHeading(value) ? meaning(value) : null;
      else if (!value) before = label;
      // The full stop may end the sentence.
      else if (isOnly || label.field !== "password" || !value.endsWith(".")) add(label, value);
    }
  }
  // Values whose label says FTP go first.
  const valueOf = (field) => {
    const values = found.filter((value) => value.field === field);
    const ofFtp = values.filter((value) => value.ofFtp);
    return only((ofFtp.length ? ofFtp : values).map(({ value }) => value));
  };
  const words = text.split(/\s+/).map((word) => word.replace(/^[.,;<>()"»«“„]+|[.,;<>()"»«“„]+$/g, ""));
  const host = only(words.filter((word) => /^(ftp|ftps|ftpes|sftp):\/\//i.test(word) && isServer(word)))
    ?? valueOf("host")
    ?? only(words.filter((word) => /^s?ftps?\./i.test(word) && isServer(word)));
  const fields = ["port", "user", "password", "path", "encryption"].map((field) => [field, valueOf(field)]);
  return Object.fromEntries([["host", host], ...fields].filter(([, value]) => value !== undefined));
};
