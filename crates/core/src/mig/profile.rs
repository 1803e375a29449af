//! The names of MIG profiles: `1g.10gb`, `1g.10gb+me`, `1g.24gb+me.all`, `1g.24gb-me`, `2g.48gb+gfx`.
//!
//! A name says compute slices, nominal memory and which engines come along. How many memory slices
//! that is depends on the board, see `geometry.rs`. Compute instances inside a GPU instance
//! (`1c.3g.20gb`) are not profiles here: the device plugin offers whole GPU instances only.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A profile by its name. Means nothing without a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MigProfile {
    compute: u8,
    gigabytes: u16,
    extra: Extra,
}

/// What a profile has beside compute and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extra {
    /// What its size gives it.
    None,
    /// `+me`: media extensions.
    Media,
    /// `+me.all`: all media engines of the board.
    AllMedia,
    /// `-me`: no media engine.
    NoMedia,
    /// `+gfx`: graphics.
    Graphics,
}

/// A name that is no profile's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("MIG profile {0:?}: expected a name like 1g.10gb, 1g.10gb+me, +me.all, -me or +gfx")]
pub struct ProfileError(pub String);

/// How each extra ends a profile's name, and how it ends a resource's.
const EXTRAS: [(Extra, &str, &str); 5] = [
    (Extra::None, "", ""),
    (Extra::Media, "+me", ".me"),
    (Extra::AllMedia, "+me.all", ".me.all"),
    (Extra::NoMedia, "-me", "-me"),
    (Extra::Graphics, "+gfx", ".gfx"),
];

/// What the device plugin's strategy `mixed` puts before a profile.
const RESOURCE: &str = "nvidia.com/mig-";

impl MigProfile {
    /// The profile behind a resource of the NVIDIA device plugin's strategy `mixed`, for example
    /// `nvidia.com/mig-1g.10gb.me`: `+` is spelled `.` there (NVIDIA/k8s-device-plugin).
    ///
    /// # Errors
    /// When the resource is not of that form.
    pub fn of_resource(resource: &str) -> Result<Self, ProfileError> {
        let name = resource.strip_prefix(RESOURCE);
        name.and_then(|name| parse(name, |(_, _, ending)| ending))
            .ok_or_else(|| ProfileError(resource.to_owned()))
    }

    /// The resource that the device plugin counts instances of this profile under.
    #[must_use]
    pub fn resource(self) -> String {
        let (_, name, resource) = self.spelling();
        let plain = self.to_string();
        let plain = plain.strip_suffix(name).unwrap_or(&plain);
        format!("{RESOURCE}{plain}{resource}")
    }

    /// Compute slices, the number before `g`.
    #[must_use]
    pub fn compute(self) -> u8 {
        self.compute
    }

    /// Nominal memory in GB, the number before `gb`. The driver reports less.
    #[must_use]
    pub fn gigabytes(self) -> u16 {
        self.gigabytes
    }

    /// What it has beside compute and memory.
    #[must_use]
    pub fn extra(self) -> Extra {
        self.extra
    }

    /// Whether it claims the media extensions, of which a board has one set (`+me`, `+me.all`).
    #[must_use]
    pub fn takes_media(self) -> bool {
        matches!(self.extra, Extra::Media | Extra::AllMedia)
    }

    fn spelling(self) -> (Extra, &'static str, &'static str) {
        let spelled = EXTRAS.into_iter().find(|(extra, ..)| *extra == self.extra);
        spelled.unwrap_or(EXTRAS[0])
    }
}

impl FromStr for MigProfile {
    type Err = ProfileError;

    fn from_str(name: &str) -> Result<Self, ProfileError> {
        parse(name, |(_, ending, _)| ending).ok_or_else(|| ProfileError(name.to_owned()))
    }
}

impl fmt::Display for MigProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, ending, _) = self.spelling();
        write!(f, "{}g.{}gb{ending}", self.compute, self.gigabytes)
    }
}

type Spelling = (Extra, &'static str, &'static str);

fn parse(name: &str, ending: impl Fn(Spelling) -> &'static str) -> Option<MigProfile> {
    let (compute, rest) = name.split_once("g.")?;
    let (gigabytes, end) = rest.split_once("gb")?;
    let (extra, ..) = EXTRAS.into_iter().find(|&extra| ending(extra) == end)?;
    Some(MigProfile {
        compute: number(compute)?,
        gigabytes: number(gigabytes)?,
        extra,
    })
}

/// A positive number as it would be written again: without sign and leading zeros.
fn number<N: FromStr>(text: &str) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !text.starts_with('0')).then(|| text.parse().ok())?
}
