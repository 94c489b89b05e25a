//! The access token and the client secrets: from systemd's credentials, else from the environment.
//!
//! Owns: where secrets come from. Refuses: showing them; errors name the variable, never its value.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

const TOKEN: Source = Source { credential: "intercom-access-token", variable: "INTERCOM_ACCESS_TOKEN" };
const SECRET: Source = Source { credential: "intercom-client-secret", variable: "INTERCOM_CLIENT_SECRET" };

/// What the daemon needs to know to talk to Intercom and to believe its notifications.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The token for Intercom's API.
    pub access_token: SecretString,
    /// The client secrets whose signatures are accepted; at least one, several while one is being replaced.
    pub client_secrets: Vec<SecretString>,
}

/// Where one secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    credential: &'static str,
    variable: &'static str,
}

/// A secret is missing or cannot be one. Messages never hold the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Neither a credential nor a variable.
    #[error("{variable} is not set; set it, or give the service a systemd credential named {credential}")]
    Missing {
        /// The environment variable.
        variable: &'static str,
        /// The credential.
        credential: &'static str,
    },
    /// There, but nothing in it.
    #[error("{place} is empty; put the value that Intercom's developer hub shows for your app into it")]
    Empty {
        /// The variable or the credential.
        place: &'static str,
    },
    /// White space or signs inside, which no token has.
    #[error("{place} has a space, a line break or a strange character in it; copy the value again, on one line")]
    Malformed {
        /// The variable or the credential.
        place: &'static str,
    },
    /// The credential's file is there but cannot be read.
    #[error("the systemd credential {path} cannot be read; check the unit's LoadCredential and the file's owner")]
    Unreadable {
        /// The credential's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One was pasted into both places.
    #[error(
        "INTERCOM_CLIENT_SECRET is the same as INTERCOM_ACCESS_TOKEN; \
         copy the client secret from the basic information of your app in Intercom's developer hub"
    )]
    SameAsToken,
}

impl Secrets {
    /// Reads both secrets. Files in `credentials_dir` (systemd's `$CREDENTIALS_DIRECTORY`) win over `environment`.
    pub fn read(
        environment: impl Fn(&str) -> Option<String>,
        credentials_dir: Option<&Path>,
    ) -> Result<Secrets, SecretsError> {
        let (token, place) = TOKEN.find(&environment, credentials_dir)?;
        let access_token = one_word(token.expose_secret(), place)?;
        let (lines, place) = SECRET.find(&environment, credentials_dir)?;
        let lines = lines.expose_secret().lines().filter(|line| !line.trim().is_empty());
        let client_secrets = lines.map(|line| one_word(line, place)).collect::<Result<Vec<_>, _>>()?;
        if client_secrets.iter().any(|secret| secret.expose_secret() == access_token.expose_secret()) {
            return Err(SecretsError::SameAsToken);
        }
        Ok(Secrets { access_token, client_secrets })
    }
}

impl Source {
    /// The text, not blank, and where it was found.
    fn find(
        self,
        environment: impl Fn(&str) -> Option<String>,
        credentials_dir: Option<&Path>,
    ) -> Result<(SecretString, &'static str), SecretsError> {
        let Source { credential, variable } = self;
        let (text, place) = match credentials_dir.map(|dir| self.credential(dir)).transpose()?.flatten() {
            Some(text) => (text, credential),
            None => (environment(variable).ok_or(SecretsError::Missing { variable, credential })?, variable),
        };
        let text = SecretString::from(text);
        if text.expose_secret().trim().is_empty() {
            return Err(SecretsError::Empty { place });
        }
        Ok((text, place))
    }

    fn credential(self, dir: &Path) -> Result<Option<String>, SecretsError> {
        let path = dir.join(self.credential);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SecretsError::Unreadable { path, source }),
        }
    }
}

fn one_word(text: &str, place: &'static str) -> Result<SecretString, SecretsError> {
    let text = text.trim();
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(SecretString::from(text)) } else { Err(SecretsError::Malformed { place }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: Option<&str>, secret: Option<&str>) -> Result<Secrets, SecretsError> {
        let environment = |name: &str| match name {
            "INTERCOM_ACCESS_TOKEN" => token.map(str::to_owned),
            "INTERCOM_CLIENT_SECRET" => secret.map(str::to_owned),
            _ => None,
        };
        Secrets::read(environment, None)
    }

    fn shown(secrets: &Secrets) -> (String, Vec<String>) {
        let all = secrets.client_secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect();
        (secrets.access_token.expose_secret().to_owned(), all)
    }

    #[test]
    fn secrets_are_trimmed_and_the_client_secret_may_have_several_lines() {
        let secrets = read(Some(" tok \n"), Some("old\r\n\n  new\n")).unwrap();
        assert_eq!(shown(&secrets), ("tok".to_owned(), vec!["old".to_owned(), "new".to_owned()]));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_the_variable_s_name() {
        for (token, secret, begins) in [
            (None, Some("s"), "INTERCOM_ACCESS_TOKEN is not set"),
            (Some("t"), None, "INTERCOM_CLIENT_SECRET is not set"),
            (Some(" \n"), Some("s"), "INTERCOM_ACCESS_TOKEN is empty"),
            (Some("t"), Some("\n\n"), "INTERCOM_CLIENT_SECRET is empty"),
            (Some("sam pletoken"), Some("s"), "INTERCOM_ACCESS_TOKEN has a space"),
            (Some("t"), Some("good\nsécret"), "INTERCOM_CLIENT_SECRET has a space"),
            (Some("same"), Some("other\nsame"), "INTERCOM_CLIENT_SECRET is the same as INTERCOM_ACCESS_TOKEN"),
        ] {
            let error = read(token, secret).unwrap_err();
            assert!(error.to_string().starts_with(begins), "{error}");
        }
    }

    #[test]
    fn credentials_win_over_the_environment_even_when_empty() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("intercom-access-token"), "from-file\n").unwrap();
        let environment = |name: &str| Some(format!("from-{name}"));
        let secrets = Secrets::read(environment, Some(dir.path())).unwrap();
        assert_eq!(shown(&secrets), ("from-file".to_owned(), vec!["from-INTERCOM_CLIENT_SECRET".to_owned()]));

        std::fs::write(dir.path().join("intercom-client-secret"), "\n").unwrap();
        let error = Secrets::read(environment, Some(dir.path())).unwrap_err();
        assert!(matches!(error, SecretsError::Empty { place: "intercom-client-secret" }));
    }

    #[test]
    fn a_credential_that_cannot_be_read_is_not_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("intercom-access-token")).unwrap();
        let error = Secrets::read(|_| Some("other".to_owned()), Some(dir.path())).unwrap_err();
        assert!(matches!(error, SecretsError::Unreadable { .. }));
    }

    #[test]
    fn secrets_do_not_show_when_printed() {
        let secrets = read(Some("tok-value"), Some("sec-value")).unwrap();
        let printed = format!("{secrets:?}");
        assert!(!printed.contains("tok-value") && !printed.contains("sec-value"));
    }
}
