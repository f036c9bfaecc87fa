package web

import (
	"dossier.example/app"
)

// The data of each page, as the templates see it. Handlers fill these and decide nothing about looks; templates show them and
// decide nothing else.
//
// Paths that templates write themselves: / (form), POST /submissions, /people (directory, search in q), /people.csv,
// /staff/sign-in and POST /staff/sign-out. All others come in the views.

// page is what every page has. Each view embeds it.
type page struct {
	// Title stands in the browser's tab, before " – Dossier".
	Title string
	// Staff tells that a staff session is there: the navigation shows the directory and the way out.
	Staff bool
	// CSRF is the token that every staff form carries in a field named "csrf".
	CSRF string
	// Path is the current path without query, to mark the place in the navigation.
	Path string
}

// formView is the submission form (form.html), also after an error.
type formView struct {
	page
	// Receipt goes into the hidden field "receipt": the same value after a fault, so that the next try is the same submission.
	Receipt string
	// Name, Location, Age and Technology are what was typed, unchanged.
	Name, Location, Age, Technology string
	// Faults has the message for a field by its name: "name", "location", "age", "technology", "files".
	Faults map[string]string
	// Order lists the faulty fields in the order of the form, for the summary at the top with links to the fields.
	Order []string
	// Notice is what went wrong as a whole, above the form; empty on the first visit.
	Notice string
	// Advice is how to mend it, a sentence; may be empty.
	Advice string
	// RequestID is shown small with a notice of an outage, to quote to support; may be empty.
	RequestID string
	// Rules for the hints and the HTML attributes.
	Limits                                        dossier.Limits
	MaxName, MaxLocation, MaxTech, MinAge, MaxAge int
	// MaxFile is Limits.FileBytes as people read it, by dossier.FormatBytes: "5.0 GiB".
	MaxFile string
	// Anew tells that Receipt is a fresh one after a conflict: the button then offers to send the fields as a new submission.
	Anew bool
	// FilesLost tells that files had been chosen and must be chosen again, as browsers keep none.
	FilesLost bool
}

// fileView is one file in a list.
type fileView struct {
	Name string
	// Type is the media type found by looking at the bytes; empty where unknown yet.
	Type string
	// Size is human-readable ("1.2 MiB"), Bytes exact with separators ("1,234,567 bytes").
	Size, Bytes string
	// SHA256 in hex; empty where unknown yet.
	SHA256 string
	// Time of arrival, for people ("24 Nov 2026, 14:05 UTC"), and TimeISO for the datetime attribute.
	Time, TimeISO string
	// State is "stored", "uploading" (not complete), "deleting" or "refused".
	State string
	// Why says why a file was not stored; empty when stored.
	Why string
	// Download is the path of the download; empty unless stored. Picture is the path of the picture; empty unless it is a
	// verified raster image of a size worth showing. Delete is the path of the page that asks before deleting; empty for submitters.
	Download, Picture, Delete string
}

// receiptView is a submitter's receipt (receipt.html), and the answer to a submission that was kept in part.
type receiptView struct {
	page
	// Link is the absolute URL of the receipt: to be kept, and to be told to nobody.
	Link string
	// Receipt opens the person to the script by which more files are added.
	Receipt string
	// Complete: everything that was sent is stored. Incomplete: something is not. Neither: that stands on several pages. Pending: the submission
	// was never acknowledged (the form has to be sent again).
	Complete, Incomplete, Pending bool
	// Notice and Advice, where something was not kept; empty else.
	Notice, Advice string
	RequestID      string
	Person         personView
	// Files are those of the page. Total is the number and size of all, where there are several pages: "1,234 files, 12.4 GiB".
	Files []fileView
	Total string
	// Archive is the path of all stored files as one ZIP; empty unless there are several.
	Archive string
	pager
}

// personView is a person's details.
type personView struct {
	ID, Name, Location, Technology string
	Age                            int
	// Time of submission for people, TimeISO for the datetime attribute.
	Time, TimeISO string
	// Deleting: the person is marked and on the way out.
	Deleting bool
	// Path of the person's page for staff, Delete of the page that asks before deleting.
	Path, Delete string
}

// signInView is the staff sign-in (signin.html).
type signInView struct {
	page
	// Key is prefilled from the link that the server printed; empty else.
	Key string
	// Next is the path to go to afterwards (hidden field "next").
	Next string
	// Fault is why the last try failed; empty at first.
	Fault string
}

// directoryView is the list of people (directory.html).
type directoryView struct {
	page
	// Search is what was searched for, in field "q".
	Search string
	People []personView
	pager
}

// pager leads from a page of a list to others. Each view of such a page embeds it.
type pager struct {
	// First and Next are paths of the first and the next page; empty where there is none to go to. FirstText and NextText are what they are called.
	First, FirstText string
	Next, NextText   string
}

// paged tells that there are other pages.
func (p pager) paged() bool { return p.First != "" || p.Next != "" }

// personPageView is one person for staff (person.html).
type personPageView struct {
	page
	Person personView
	// Files are those of the page, Total is the number and size of all: "3 files, 12.4 MiB".
	Files []fileView
	Total string
	// Archive is the path of all stored files as one ZIP; empty unless there are several.
	Archive string
	pager
}

// confirmView asks before deleting (confirm.html).
type confirmView struct {
	page
	// Question and Consequence: "Delete Ada Lovelace and 3 files?" "This cannot be undone."
	Question, Consequence string
	// Action is where the form posts to; Cancel is the path back.
	Action, Cancel string
}

// errorView is every other refusal (error.html).
type errorView struct {
	page
	Status           int
	Heading, Message string
	// RequestID is shown so that it can be quoted.
	RequestID string
	// Back is a path that leads on, BackText its label.
	Back, BackText string
}

// apiView is the API's document for people (api.html).
type apiView struct {
	page
	Heading, Version string
	// Intro is the document's description in paragraphs.
	Intro []string
	// Document is the path of the document itself.
	Document string
	// Security says who may ask, by name.
	Security []apiTerm
	Groups   []apiGroup
	Schemas  []apiSchema
	Problems []apiProblem
}

// apiGroup is a group of operations.
type apiGroup struct {
	Name, Text string
	Operations []apiOperation
}

// apiOperation is one operation.
type apiOperation struct {
	// ID is its name in the document, and its anchor.
	ID, Method, Path, Summary string
	Text                      []string
	// Who may ask for it.
	Who        string
	Parameters []apiTerm
	// Body is what is sent; its Kind is empty where nothing is.
	Body apiTerm
	// Answers are by status.
	Answers []apiTerm
}

// apiTerm is something with a name.
type apiTerm struct {
	Name string
	// Kind says what it is, Schema is the name of its schema; each may be empty.
	Kind, Schema string
	Text         string
}

// apiSchema is a schema with its members.
type apiSchema struct {
	Anchor, Name, Kind, Text string
	Members                  []apiTerm
}

// apiProblem is a code of a refusal.
type apiProblem struct {
	Anchor, Code, Title, Detail string
	Status                      int
}
