//! Who may do what: the model, sentence by sentence, and the proof that the decision is what the rules say.

mod events;
mod examples;
mod naive;
mod nodes;
mod rights;
mod search;
mod stories;
mod worlds;
