//! The server's own words on pages for participants, beside those of screens (`plumb_human::screen::Words`).

/// Words of one language; `{}` stands for a code.
#[derive(Debug)]
pub(super) struct Words {
    pub tag: &'static str,
    pub skip: &'static str,
    pub mend: &'static str,
    pub paused: &'static str,
    pub known: &'static str,
    pub unproven: &'static str,
    pub unknown: &'static str,
    pub stale: &'static str,
    pub busy: &'static str,
    pub too_long: &'static str,
    pub broken: &'static str,
    pub other_person: &'static str,
    pub withdraw_title: &'static str,
    pub withdraw_text: &'static str,
    /// What a withdrawal after the end means.
    pub withdraw_ended: &'static str,
    pub withdraw_erase: &'static str,
    pub withdraw_yes: &'static str,
    pub withdraw_no: &'static str,
    pub withdraw_later: &'static str,
    pub withdraw_code: &'static str,
    pub withdraw_wrong: &'static str,
    pub erased: &'static str,
    pub bookmark: &'static str,
    pub wide: &'static str,
}

/// The words of a language, by its tag; English where there are none.
pub(super) fn words(tag: &str) -> &'static Words {
    if tag == GERMAN.tag { &GERMAN } else { &ENGLISH }
}

const ENGLISH: Words = Words {
    tag: "en",
    skip: "To the page's contents",
    mend: "Please look at these answers again:",
    paused: "This study takes in nobody at the moment. Please come back later.",
    known: "You have taken part in this study, or in one that belongs to it, already; so you cannot take part now.",
    unproven: "Somebody has begun with this identifier already. If it was you, go on in the same browser, or by the address of the page where you stopped, or by the link that your platform gave you for this submission.",
    unknown: "This link leads nowhere. Please use the link that you were given, with all of its signs.",
    stale: "This page is out of date. Please open the link again that you were given.",
    busy: "Too many requests come from where you are. Please wait a minute.",
    too_long: "What you sent is longer than can be stored, and none of it was. Please go back and shorten your texts.",
    broken: "Your answer could not be stored, and nothing was lost but it. Please come back later by the same link.",
    other_person: "Somebody else at this computer? Begin anew",
    withdraw_title: "Withdraw",
    withdraw_text: "If you withdraw, the study ends for you here. You can also have everything deleted that you have answered.",
    withdraw_ended: "Where the study has ended for you already, a withdrawal deletes everything that you have answered.",
    withdraw_erase: "Also delete everything that I have answered",
    withdraw_yes: "Withdraw",
    withdraw_no: "Go on with the study",
    withdraw_later: "With this code you can withdraw later, and have your answers deleted: {}",
    withdraw_code: "Your code of withdrawal",
    withdraw_wrong: "There is no such code. Please look at it again.",
    erased: "Everything that you had answered is deleted.",
    bookmark: "If you are interrupted, come back by the address of this page: you will go on from here.",
    wide: "This study needs a window at least {} pixels wide. Please use a larger window or another device.",
};

const GERMAN: Words = Words {
    tag: "de",
    skip: "Zum Inhalt der Seite",
    mend: "Bitte sehen Sie diese Antworten noch einmal an:",
    paused: "Diese Studie nimmt zurzeit niemanden auf. Bitte kommen Sie später wieder.",
    known: "Sie haben schon an dieser Studie oder an einer, die zu ihr gehört, teilgenommen und können daher jetzt nicht teilnehmen.",
    unproven: "Mit dieser Kennung hat schon jemand begonnen. Wenn Sie das waren, machen Sie bitte im selben Browser weiter, oder mit der Adresse der Seite, auf der Sie aufgehört haben, oder mit dem Link, den Ihre Plattform Ihnen für diese Teilnahme gegeben hat.",
    unknown: "Dieser Link führt zu nichts. Bitte verwenden Sie den Link, den Sie bekommen haben, mit allen Zeichen.",
    stale: "Diese Seite ist nicht mehr aktuell. Bitte öffnen Sie noch einmal den Link, den Sie bekommen haben.",
    busy: "Von Ihrem Ort kommen zu viele Anfragen. Bitte warten Sie eine Minute.",
    too_long: "Was Sie gesendet haben, ist länger, als gespeichert werden kann; nichts davon ist gespeichert. Bitte gehen Sie zurück und kürzen Sie Ihre Texte.",
    broken: "Ihre Antwort konnte nicht gespeichert werden; sonst ist nichts verloren. Bitte kommen Sie später mit demselben Link wieder.",
    other_person: "Jemand anderes an diesem Computer? Neu beginnen",
    withdraw_title: "Zurücktreten",
    withdraw_text: "Wenn Sie zurücktreten, endet die Studie hier für Sie. Sie können auch alles löschen lassen, was Sie geantwortet haben.",
    withdraw_ended: "Ist die Studie für Sie schon zu Ende, so wird mit dem Rücktritt alles gelöscht, was Sie geantwortet haben.",
    withdraw_erase: "Auch alles löschen, was ich geantwortet habe",
    withdraw_yes: "Zurücktreten",
    withdraw_no: "Weiter mit der Studie",
    withdraw_later: "Mit diesem Code können Sie später zurücktreten und Ihre Antworten löschen lassen: {}",
    withdraw_code: "Ihr Code zum Zurücktreten",
    withdraw_wrong: "Diesen Code gibt es nicht. Bitte sehen Sie noch einmal nach.",
    erased: "Alles, was Sie geantwortet haben, ist gelöscht.",
    bookmark: "Wenn Sie unterbrochen werden, kommen Sie mit der Adresse dieser Seite wieder: Sie machen hier weiter.",
    wide: "Diese Studie braucht ein Fenster, das mindestens {} Pixel breit ist. Bitte nehmen Sie ein größeres Fenster oder ein anderes Gerät.",
};
