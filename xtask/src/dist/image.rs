//! The container image of the program that was built.
//!
//! `docker build .` compiles the program instead, in an image with a compiler. What the image is apart
//! from its files, its user and its health check for example, both take from the Dockerfile.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::{Made, create_empty, release::Release};
use crate::{
    command::{find, output, run},
    workspace,
};

/// The certificate authorities of Debian's package `ca-certificates`. Not the bundle in `/etc/ssl`: the
/// operator of this machine may have added authorities to that.
const AUTHORITIES: &str = "/usr/share/ca-certificates/mozilla";

/// Builds the image and saves it.
pub(super) fn make(release: &Release) -> Result<Made> {
    if find("docker").is_none() || output(Command::new("docker").arg("info")).is_none() {
        let why = "no container engine runs here. Start Docker (`dockerd`), then try again";
        return Ok(Made::Nothing(why.to_owned()));
    }
    let root = release.package_files().join("image");
    create_empty(&root)?;
    collect(release, &root)?;
    let tag = format!("ferryport:{}", release.version);
    import(release, &root, &tag)?;
    let image = save(release, &tag)?;
    fs::remove_dir_all(root)?;
    Ok(Made::Files(vec![image]))
}

/// Collects the files of the image: the program, the libraries that it is linked to, the authorities, and
/// the order in which names are looked up.
fn collect(release: &Release, image: &Path) -> Result<()> {
    let program = release.program();
    add(&program, &image.join("usr/local/bin/ferryport"))?;
    let linked = output(Command::new("ldd").arg(&program)).context("ldd of libc-bin is needed")?;
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        add(Path::new(library), &image.join(&library[1..]))?;
    }
    add(&release.notices(), &image.join("usr/share/doc/ferryport/THIRD-PARTY-NOTICES.txt"))?;
    let authorities = authorities()?;
    let etc = image.join("etc");
    fs::create_dir_all(etc.join("ssl/certs"))?;
    fs::write(etc.join("ssl/certs/ca-certificates.crt"), authorities)?;
    fs::write(etc.join("nsswitch.conf"), "hosts: files dns\n")?;
    Ok(())
}

/// Makes the image of the files, and of what the Dockerfile says besides.
fn import(release: &Release, root: &Path, tag: &str) -> Result<()> {
    let mut pack = Command::new("tar");
    pack.args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u=rwX,go=rX", &format!("--mtime=@{}", release.time), "--directory"])
        .arg(root)
        .arg(".");
    let mut packing = pack.stdout(Stdio::piped()).spawn().context("tar is missing")?;
    let files = packing.stdout.take().context("tar has no output")?;
    let dockerfile = fs::read_to_string(workspace().join("Dockerfile"))?;
    let mut import = Command::new("docker");
    import.arg("import");
    for instruction in instructions(&dockerfile) {
        import.args(["--change", &instruction]);
    }
    run(import.args(["-", tag]).stdin(files))?;
    if !packing.wait()?.success() {
        bail!("the files of the image cannot be packed");
    }
    Ok(())
}

/// The instructions of the last stage, each in one line; without those that copy files.
fn instructions(dockerfile: &str) -> Vec<String> {
    let (_, last) = dockerfile.rsplit_once("FROM scratch\n").unwrap_or_default();
    let last = last.replace("\\\n", " ");
    let lines = last.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .filter(|line| !line.starts_with(['#']))
        .filter(|line| !line.starts_with("COPY"))
        .map(str::to_owned)
        .collect()
}

/// Copies a file; of a link what it leads to.
fn add(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// The certificates of all authorities, one after the other.
fn authorities() -> Result<Vec<u8>> {
    let folder = Path::new(AUTHORITIES);
    let entries = folder.read_dir().with_context(|| format!("cannot read {AUTHORITIES}"))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        all.extend(fs::read(file)?);
    }
    if all.is_empty() {
        bail!("{AUTHORITIES} has no certificates: install Debian's package ca-certificates");
    }
    Ok(all)
}

/// Saves the image as `docker load` reads it.
fn save(release: &Release, tag: &str) -> Result<PathBuf> {
    let name = format!("ferryport-{}-image-{}.tar.gz", release.version, std::env::consts::ARCH);
    let path = release.folder.join(name);
    let mut saved = Command::new("docker").args(["save", tag]).stdout(Stdio::piped()).spawn()?;
    let stream = saved.stdout.take().context("docker save has no output")?;
    let mut pack = Command::new("gzip");
    pack.args(["--no-name", "--best"]).stdin(stream).stdout(fs::File::create(&path)?);
    run(&mut pack)?;
    if !saved.wait()?.success() {
        bail!("`docker save {tag}` failed");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_has_the_user_the_health_check_and_the_command_of_the_dockerfile() {
        let dockerfile = fs::read_to_string(workspace().join("Dockerfile")).unwrap();
        let found = instructions(&dockerfile);
        let names: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
        let expected = ["LABEL", "ENV", "EXPOSE", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
        assert_eq!(names, expected, "{found:?}");
        assert!(found.iter().any(|line| line == "USER 65532:65532"), "{found:?}");
        assert!(found[4].ends_with(r#"CMD ["/usr/local/bin/ferryport", "health"]"#), "{found:?}");
    }
}
