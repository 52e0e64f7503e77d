//! What a directory may do and does: tokens, pause, last request, what it was refused and what it left undone.
//!
//! Invariant: pure; the same standing at the same instant gives the same findings.

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::domain::days::{ago, days};
use crate::domain::language::Language::{En, Sv};
use crate::flows::directories::Standing;
use crate::flows::tokens::expiry::FIRST_WARNING_DAYS;
use crate::flows::tokens::roster::State;

/// A provider that has said nothing for longer is asked about. Entra comes every 40 minutes, also with nothing new.
const SILENCE: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn findings(standing: &Standing, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![access(standing, now)];
    findings.extend(paused(standing));
    findings.push(last_request(standing, now));
    findings.extend(denied(standing));
    findings.push(refused(standing));
    findings.push(pending(standing));
    findings
}

fn access(standing: &Standing, now: Timestamp) -> Finding {
    let id = &standing.row.directory;
    let make = format!("portvakt directory token create {id}");
    let Some(until) = standing.row.access_until else {
        let has_had = !standing.access.is_empty();
        let (sv, en) = if has_had {
            (
                "Alla token och klienthemligheter har gått ut eller återkallats.",
                "Every token and client secret has expired or was revoked.",
            )
        } else {
            (
                "Katalogen har varken token eller klient, så leverantören släpps inte in.",
                "The directory has neither token nor client, so the provider is not let in.",
            )
        };
        // Okta has no client credentials for SCIM.
        let (or_sv, or_en) = if standing.row.kind == "okta" {
            (String::new(), String::new())
        } else {
            let client = format!("portvakt directory client create {id}");
            (format!(" (för OAuth: {client})"), format!(" (for OAuth: {client})"))
        };
        return Finding::mistake("access", sv, en).mend(
            format!("{make} – och lägg in den hos leverantören{or_sv}."),
            format!("{make} – and put it in at the provider{or_en}."),
        );
    };
    let left = until.duration_since(now).as_hours() / 24;
    let (in_sv, in_en) = (days(left, Sv), days(left, En));
    if left < FIRST_WARNING_DAYS {
        return Finding::warning(
            "access",
            format!("Den token eller klienthemlighet som gäller längst går ut om {in_sv}."),
            format!("The token or client secret that is good for longest ends in {in_en}."),
        )
        .mend(
            format!("{make} – lägg in den nya hos leverantören; båda gäller tills den gamla går ut eller återkallas."),
            format!("{make} – put the new one in at the provider; both work until the old one ends or is revoked."),
        );
    }
    let others = standing.access.iter().filter(|line| line.state == State::Ending).count();
    if others > 0 {
        return Finding::warning(
            "access",
            format!("Token eller klienthemligheter som går ut inom {FIRST_WARNING_DAYS} dagar: {others}. En annan gäller i {in_sv}."),
            format!("Tokens or client secrets that end within {FIRST_WARNING_DAYS} days: {others}. Another is good for {in_en}."),
        )
        .mend(
            format!("Använder leverantören den gamla? portvakt directory show {id} visar när var och en användes. Återkalla den som inte används."),
            format!("Does the provider use the old one? portvakt directory show {id} says when each was used. Revoke what is not used."),
        );
    }
    Finding::ok(
        "access",
        format!("Det finns en token eller klient som gäller i {in_sv}."),
        format!("There is a token or client that is good for {in_en}."),
    )
}

fn paused(standing: &Standing) -> Option<Finding> {
    let pause = standing.pause.as_ref()?;
    let id = &standing.row.directory;
    let (since, by, why) = (&pause.since, &pause.by, &pause.reason);
    let finding = Finding::warning(
        "paused",
        format!("Katalogen är pausad sedan {since} av {by} ({why}); varje anrop får svaret 503."),
        format!("The directory is paused since {since} by {by} ({why}); every request is answered 503."),
    );
    let resume = format!("portvakt directory resume {id}");
    Some(finding.mend(resume.clone(), resume))
}

fn last_request(standing: &Standing, now: Timestamp) -> Finding {
    let Some(last) = standing.row.last_request else {
        return Finding::warning(
            "last_request",
            "Leverantören har aldrig hört av sig med en giltig token.",
            "The provider has never come with a valid token.",
        )
        .mend(
            "Skriv in adress och token hos leverantören (se nedan) och låt den testa anslutningen.",
            "Type address and token into the provider (see below) and have it test the connection.",
        );
    };
    let (sv, en) = (ago(last, now, Sv), ago(last, now, En));
    if now.duration_since(last) > SILENCE {
        return Finding::warning(
            "last_request",
            format!("Leverantören hörde av sig senast {sv}."),
            format!("The provider last came {en}."),
        )
        .mend(
            "Är provisioneringen avstängd eller i karantän hos leverantören? Entra kommer annars var 40:e minut; Okta bara när något har ändrats.",
            "Is provisioning switched off or in quarantine at the provider? Entra otherwise comes every 40 minutes; Okta only when something has changed.",
        );
    }
    Finding::ok(
        "last_request",
        format!("Leverantören hörde av sig senast {sv}."),
        format!("The provider last came {en}."),
    )
}

/// Somebody still uses what is over: worth a finding only where nothing good came after it.
fn denied(standing: &Standing) -> Option<Finding> {
    let at = standing.last_denied?;
    if standing.row.last_request.is_some_and(|last| last > at) {
        return None;
    }
    let id = &standing.row.directory;
    let (sv, en) = match standing.last_denied_why.as_deref() {
        Some("expired") => ("en token som hade gått ut", "a token that had expired"),
        Some("revoked") => ("en token som var återkallad", "a token that was revoked"),
        _ => ("en klienthemlighet som inte stämmer", "a client secret that is wrong"),
    };
    let finding = Finding::mistake(
        "token_in_use",
        format!("Det senaste anropet ({at}) kom med {sv}, och avvisades."),
        format!("The last request ({at}) came with {en}, and was turned away."),
    );
    Some(finding.mend(
        format!("Lägg in en giltig hos leverantören: portvakt directory token create {id}"),
        format!("Put a valid one in at the provider: portvakt directory token create {id}"),
    ))
}

fn refused(standing: &Standing) -> Finding {
    let id = &standing.row.directory;
    match standing.refused.len() {
        0 => Finding::ok(
            "refused",
            "Ingen ändring av en person eller grupp ligger kvar som nekad.",
            "No change of a person or group is left refused.",
        ),
        count => Finding::warning(
            "refused",
            format!("Ändringar av personer och grupper som nekats och inte har lyckats sedan: {count}."),
            format!("Changes of people and groups that were refused and have not succeeded since: {count}."),
        )
        .mend(
            format!("portvakt directory show {id} säger vad svaret blev; rätta uppgiften hos leverantören och provisionera om."),
            format!("portvakt directory show {id} says what was answered; correct it at the provider and provision again."),
        ),
    }
}

fn pending(standing: &Standing) -> Finding {
    let members = standing.row.pending_members;
    if members == 0 {
        return Finding::ok(
            "pending",
            "Alla gruppmedlemmar är kända.",
            "Every member of every group is known.",
        );
    }
    let named: Vec<&str> = standing.pending.iter().take(5).map(|group| group.name.as_str()).collect();
    let named = named.join(", ");
    Finding::warning(
        "pending",
        format!("Gruppmedlemmar som inte är kända än: {members} (i {named}). De går med när personerna kommer."),
        format!("Members of groups that are not known yet: {members} (in {named}). They join when the people come."),
    )
    .mend(
        "Tilldela personerna hos leverantören. Entra skickar inte medlemmar i grupper inuti grupper.",
        "Assign the people at the provider. Entra does not send members of groups within groups.",
    )
}
