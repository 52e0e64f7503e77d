//! Gives an enum of the domain its stable names, as the database, the APIs and the reports write them.
//!
//! Invariant: a name is read back as the value that wrote it.

/// Gives a plain enum `ALL`, `name`, `from_name` and `Display`.
macro_rules! named {
    ($type:ty, $($variant:ident = $name:literal),* $(,)?) => {
        impl $type {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name used in the database, the APIs and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The value of a stable name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use named;
