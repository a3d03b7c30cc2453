//! Certificates of a server that offers TLS.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::error::{Doing, ServerError};
use crate::launch::Launcher;

/// Makes an authority for this server alone, and lets it sign the server's certificate;
/// gives back the file with the certificate of the authority.
///
/// A certificate that signs itself would do for PostgreSQL, but strict clients want an
/// authority and a server to be two.
pub(crate) fn make(launcher: &Launcher) -> Result<PathBuf, ServerError> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority of one test");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let names = [crate::url::HOST, "localhost"].map(str::to_owned);
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    let server_key = KeyPair::generate()?;
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();

    let path = launcher.folder.join("authority.crt");
    fs::write(&path, authority_pem).doing("writing", &path)?;
    // By these names the server looks for them.
    for (name, pem) in [("server.crt", server_pem), ("server.key", server_key.serialize_pem())] {
        let path = launcher.data.join(name);
        // A key that others may read is refused.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(pem.as_bytes())).doing("writing", &path)?;
        launcher.account.owns(&path)?;
    }
    Ok(path)
}
