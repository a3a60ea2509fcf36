//! The link that opens the page.

use std::fmt;

/// The page's address with what lets its reader in. `Debug` hides that.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    url: String,
    token: Option<String>,
}

impl Link {
    pub(crate) fn new(url: String, token: Option<String>) -> Self {
        Self { url, token }
    }

    /// The link as a person opens it: `https://HOST:PORT/#token=TOKEN`, without the fragment where
    /// access is not by token. For the terminal of the person who started the daemon, never for
    /// the log. Browsers do not send the fragment to anybody.
    #[must_use]
    pub fn expose(&self) -> String {
        match &self.token {
            Some(token) => format!("{}/#token={token}", self.url),
            None => format!("{}/", self.url),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.url, if self.token.is_some() { "#token=***" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_shown_only_when_asked_for() {
        let link = Link::new("https://box:1".into(), Some("secret".into()));
        assert_eq!(link.expose(), "https://box:1/#token=secret");
        assert_eq!(format!("{link:?}"), "https://box:1/#token=***");
        assert_eq!(Link::new("http://box".into(), None).expose(), "http://box/");
    }
}
