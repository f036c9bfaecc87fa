package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// sample is one page with data that it may really meet.
type sample struct {
	name string // of the sample, and of its file in the preview
	page string // template, as templates/<page>.html
	view any
}

// Texts that test a layout: no place to break, another direction of writing, characters of several code points, and
// what looks like markup.
var (
	unbroken = strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 6)[:200]
	arabic   = "محمد بن موسى الخوارزمي"
	emoji    = "👩🏽‍🚀 Zoë 🇨🇭 Ångström 👨‍👩‍👧‍👦"
	markup   = `<script>alert("1")</script> & 'O’Brien'`
)

const (
	sampleReceipt   = "AZq3RrC7cYyQmCZbB1Yk3gq9Hn2v0bVYt8Jx4wLr6sPzKf1DdEeGgMmNnOoQqUuX"
	sampleRequestID = "01JDF2W9W7M7Q3S0Z0W8R2V5KX"
	sampleSHA256    = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	samplePerson    = "/people/0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c11"
)

func sampleForm() formView {
	return formView{
		page: page{Title: "Submit your details", Path: "/"}, Receipt: sampleReceipt,
		Limits: dossier.DefaultLimits(), MaxFile: dossier.FormatLimit(dossier.DefaultLimits().FileBytes),
	}
}

// typed is what was typed into the form.
func typed(name, location, age, technology string) fields {
	return fields{"name": name, "location": location, "age": age, "technology": technology}
}

// with returns v after change, so that a sample can be told by what is different about it.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func sampleTokens() tokensView {
	return tokensView{page: page{Title: "API tokens", Path: "/staff/tokens", Staff: true, Editor: true,
		Administrator: true, CSRF: "token"}, Account: true, Days: "90", MaxDays: 365, Everybodys: true, More: true,
		Choices: []scopeView{{"read", "Find people, and read their details and lists of files", true},
			{"download", "Download files", false}, {"trash", "Move people and files to the trash", false},
			{"export", "Export everybody’s details", false}},
		Tokens: []tokenView{
			{Name: "nightly export", Scopes: "read, export", Made: sampleTime("2026-11-20T09:00:00Z"),
				Expires: sampleTime("2027-02-18T09:00:00Z"), Used: sampleTime("2026-11-24T03:00:00Z"),
				Revoke: "/staff/tokens/x/revoke"},
			{Name: unbroken[:100], Owner: emoji, Scopes: "read, download, trash, export", Expired: true,
				Made: sampleTime("2026-08-20T09:00:00Z"), Expires: sampleTime("2026-11-18T09:00:00Z"),
				Revoke: "/staff/tokens/y/revoke"},
		}}
}

func sampleTime(iso string) moment {
	t, err := time.Parse(time.RFC3339, iso)
	if err != nil {
		panic(err)
	}
	return momentOf(t)
}

func ada() personView {
	return personView{
		ID:      "0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c11",
		Details: dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Analytical Engine"},
		At:      sampleTime("2026-11-24T14:05:09Z"),
	}
}

func storedFile(name, mediaType, size, bytes string) fileView {
	word, plain := typeName(mediaType)
	return fileView{
		Name: name, Type: word, MediaType: plain, Size: size, Bytes: bytes, SHA256: sampleSHA256,
		At: sampleTime("2026-11-24T14:05:11Z"), State: "stored", Download: "/files/1/download",
	}
}

// forStaff adds what only staff see of files; picture is where the picture of every image/png is found.
func forStaff(picture string, files ...fileView) []fileView {
	for i := range files {
		f := &files[i]
		if f.State == "stored" {
			f.Delete = fmt.Sprintf("%s/files/%d/delete", samplePerson, i)
			if f.MediaType == "image/png" {
				f.Picture = picture
			}
		}
	}
	return files
}

func mixedFiles() []fileView {
	return []fileView{
		storedFile("engine-drawing.png", "image/png", "1.2 MB", "1,234,567 bytes"),
		storedFile("notes-by-the-translator.pdf", "application/pdf", "356 kB", "356,112 bytes"),
		storedFile("empty.txt", "text/plain", "0 B", "0 bytes"),
	}
}

func oddFiles() []fileView {
	return []fileView{
		storedFile(unbroken+".tar.gz", "application/gzip", "5.3 GB", "5,261,334,937 bytes"),
		storedFile(arabic+".png", "image/png", "12 kB", "12,288 bytes"),
		storedFile(emoji+".png", "image/png", "2.1 MB", "2,097,152 bytes"),
		storedFile(markup+".html", "text/html; charset=utf-8", "91 B", "91 bytes"),
		storedFile("talk.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", "19 MB",
			"18,874,368 bytes"),
		{Name: "still-on-its-way.mov", At: sampleTime("2026-11-24T14:06:00Z"),
			State: "uploading"},
		{Name: "on-its-way-out.zip", At: sampleTime("2026-11-24T14:06:00Z"), State: "deleting",
			Why: "Its removal was asked for and goes on by itself."},
	}
}

// unfinishedFiles has one that broke off and one that is being sent.
func unfinishedFiles() []fileView {
	return []fileView{
		{ID: dossier.NewFileID(), Folder: "holiday / 2026", Name: "film.mov", State: "uploading",
			HowFar: "34 MB of 200 MB uploaded",
			Why:    "34 MB of 200 MB uploaded. Choose this file again to continue.",
			At:     sampleTime("2026-11-24T14:06:00Z")},
		{ID: dossier.NewFileID(), Folder: unbroken, Name: unbroken, State: "sending", HowFar: "8 MB of 12 MB uploaded",
			Why: "Being sent: 8 MB of 12 MB uploaded.", At: sampleTime("2026-11-24T14:06:00Z")},
	}
}

// scannedFiles has one in each state of the scan.
func scannedFiles() []fileView {
	files := []fileView{
		storedFile("engine-drawing.png", "image/png", "1.2 MB", "1,234,567 bytes"),
		storedFile("notes-by-the-translator.pdf", "application/pdf", "356 kB", "356,112 bytes"),
		storedFile(unbroken+".zip", "application/zip", "12 kB", "12,288 bytes"),
		storedFile("invoice.docm", "application/zip", "12 kB", "12,288 bytes"),
		storedFile("film.mov", "video/quicktime", "30 MB", "30,408,704 bytes"),
	}
	for i, scan := range []string{"Nothing found", "Waiting",
		"Not of the whole file (Heuristics.Encrypted.Zip)",
		"Malware found (Doc.Downloader.Emotet-7580152-0." + unbroken + ")",
		"Failed (the scanner failed again and again)"} {
		files[i].Scan = scan
		if i != 1 {
			files[i].ScanAt = sampleTime("2026-11-24T14:06:00Z")
		}
		if i > 0 {
			files[i].Download, files[i].Type, files[i].MediaType = "", "Unknown", "application/octet-stream"
		}
	}
	files[1].Withheld = "This file is still being checked for malware."
	files[2].Withheld = "This file could not be fully checked for malware, so it cannot be downloaded."
	files[3].Withheld, files[3].Alarm = "This file did not pass the check for malware. It will be removed after "+
		"December 24, 2026.", true
	files[4].Withheld = "The check of this file for malware failed, so the file cannot be downloaded until the check " +
		"is repeated."
	return files
}

func fiftyFiles() []fileView {
	files := make([]fileView, 50)
	for i := range files {
		files[i] = storedFile(fmt.Sprintf("IMG_%04d.png", 4800+i), "image/png", "3.3 MB", "3,250,585 bytes")
	}
	return files
}

func crowd() []personView {
	people := []personView{ada(), ada(), ada(), ada(), ada(), ada(), ada()}
	people[1].Name, people[1].Location, people[1].Technology, people[1].Age = "Grace Hopper", "New York", "COBOL", 85
	people[2].Name, people[2].Location, people[2].Technology = arabic, "بغداد", "الجبر"
	people[3].Name, people[3].Location, people[3].Technology, people[3].Age = unbroken, unbroken, unbroken, 130
	people[4].Name, people[4].Location, people[4].Technology = emoji, "🏔️ Zermatt", "🦀 Rust"
	people[5].Name, people[5].Location, people[5].Technology, people[5].Age = markup, markup, markup, 0
	people[6].Name, people[6].Location, people[6].Technology, people[6].Age = "Edsger W. Dijkstra", "Rotterdam",
		"ALGOL 60", 72
	for i := range people {
		people[i].Path = samplePerson
		people[i].ID = dossier.NewPersonID().String()
	}
	return people
}

// manyScripts are people whose names are written in many ways.
func manyScripts() []personView {
	var people []personView
	for _, texts := range [][3]string{
		{"山田 太郎", "東京都千代田区丸の内一丁目", "組み込みシステム"}, {"김민준", "서울특별시", "데이터베이스"},
		{"王小明，字子明，號山人", "北京市朝陽區", "人工智能"}, {"שָׁלוֹם עֲלֵיכֶם", "תל אביב", "תוכנה C++"},
		{"سمیرا احمدی (Samira)", "تهران، Iran", "Go و \u200eSQL"},
		{"ประยุทธ์ วงศ์สวัสดิ์", "กรุงเทพมหานคร", "ปัญญาประดิษฐ์"},
		{"Z̵̢͠a̴̛͝l̷͞g̶͡ó", "Ṽ̈́ỉ̶̀", "H̵̢̕é̶͢"}, {"🏳️‍🌈🧑🏿‍🤝‍🧑🏻", "🇺🇳", "1️⃣2️⃣"},
	} {
		p := ada()
		p.Name, p.Location, p.Technology, p.Path = texts[0], texts[1], texts[2], samplePerson
		p.ID = dossier.NewPersonID().String()
		people = append(people, p)
	}
	return people
}

// withToken gives a page the token of its forms.
func withToken(p page) page {
	p.CSRF = "csrf-token"
	return p
}

// sampleRole may do everything.
const sampleRole = staff.Administrator

const sampleRecovery = "k7qm-x2vd-5tnh-3lpe-c4sj-ya6w\nzb4c-w6yj-r2fs-7ugo-m5xd-q3ne\nh3xa-q5md-n7te-2kvp-6lbz-u4fi\n"

func sampleEnrollment() enrollmentView {
	const secret = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
	v, err := enrollmentOf(staff.Enrollment{Sealed: "sealed", Secret: secret,
		URL: "otpauth://totp/Dossier:ada@site.example?secret=" + strings.ReplaceAll(secret, " ",
			"") + "&issuer=Dossier"})
	if err != nil {
		panic(err)
	}
	return v
}

func sampleFaults(names ...string) faultView {
	v := faultView{Faults: map[string]string{}, Order: names}
	for _, name := range names {
		v.Faults[name] = "Enter at least 8 characters. Several words are easy to remember."
	}
	return v
}

func sampleAccount() accountView {
	return accountView{Href: "/staff/accounts/0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c11", Name: "Ada Lovelace",
		Address: "ada@site.example", Role: "administrator", State: "active", Local: true, Own: true,
		SignedIn: sampleTime("2026-11-24T14:05:00Z"), Created: sampleTime("2026-11-20T09:00:00Z")}
}

// sampleAudit is a page of the audit trail with an entry of each kind.
func sampleAudit(p page) auditView {
	v := auditView{page: p, Export: "/staff/audit.csv", pager: pager{FirstText: "Newest", NextText: "Older",
		Next: "/staff/audit?after=x"}}
	for _, a := range audit.Actions() {
		v.Actions = append(v.Actions, choiceView{string(a), a.Text()})
	}
	for _, r := range audit.Results {
		v.Results = append(v.Results, choiceView{string(r), resultTexts[r]})
	}
	for i, e := range sampleEntries() {
		e.At = time.Date(2026, 11, 24, 14, 5-i, 0, 0, time.UTC)
		e.Request = sampleRequestID
		v.Entries = append(v.Entries, entryOf(e))
	}
	return v
}

func sampleEntries() []audit.Entry {
	ada := audit.Actor{ID: "01920000-0000-7000-8000-000000000001", Name: "Ada Lovelace"}
	long := audit.Actor{ID: "01920000-0000-7000-8000-000000000002", Name: unbroken}
	person := audit.Subject{Kind: audit.KindPerson, ID: samplePerson[len("/people/"):]}
	file := person
	file.File = "01920000-0000-7000-8000-000000000003"
	account := audit.Subject{Kind: audit.KindAccount, ID: ada.ID}
	return []audit.Entry{
		{Actor: ada, Action: audit.PersonDelete, Result: audit.Failed, Subject: person, Client: "192.0.2.1"},
		{Actor: ada, Action: audit.PersonDelete, Result: audit.Begun, Subject: person, Client: "192.0.2.1"},
		{Actor: long, Action: audit.FileDownload, Result: audit.Allowed, Subject: file,
			Client: "2001:db8:1234:5678:9abc:def0:1234:5678"},
		{Actor: audit.Actor{ID: audit.Shared}, Action: audit.PeopleSearch, Result: audit.Allowed, Count: 3,
			Client: "192.0.2.1"},
		{Actor: ada, Action: audit.PeopleExport, Result: audit.Done, Count: 2318, Client: "192.0.2.1"},
		{Actor: audit.Actor{ID: audit.Nobody}, Action: audit.SessionFail, Result: audit.Refused, Count: 1284,
			Client: "203.0.113.77"},
		{Actor: audit.Actor{ID: audit.Holder}, Action: audit.ReceiptReplace, Result: audit.Done, Subject: person,
			Client: "203.0.113.77"},
		{Actor: ada, Action: audit.AccountRole, Result: audit.Done, Subject: account, Detail: "administrator",
			Client: "192.0.2.1"},
		{Actor: audit.Actor{ID: audit.Program}, Action: audit.Seal, Result: audit.Done, Count: 4},
		{Actor: audit.Actor{ID: audit.Program}, Action: audit.SettingsStart, Result: audit.Allowed,
			Detail: "settings 9f3c2ab1d4e5f607, release 1.4.0-12-g86d74de"},
	}
}

// samples are all pages in all their states. The picture of image files is found at the given path.
func samples(picture string) []sample {
	roles := staff.Roles
	staff := func(title, path string) page {
		return page{Title: title, Staff: true, Editor: true, Administrator: true, CSRF: "csrf-token", Path: path}
	}
	visitor := func(title, path string) page { return page{Title: title, Path: path} }
	receipt := receiptView{page: visitor("Your receipt", "/receipt"), Link: "https://dossier.example/receipt#" +
		sampleReceipt, Receipt: sampleReceipt, Person: ada()}
	person := personPageView{page: staff("Ada Lovelace", samplePerson), Person: with(ada(), func(p *personView) {
		p.Path, p.Link, p.Delete = samplePerson, samplePerson+"/link", samplePerson+"/delete"
	}), Directory: "/people", Look: samplePerson + "?view=cards"}
	trashed := func(name, of, by, deleted, gone string) trashedView {
		return trashedView{Name: name, Of: of, By: by, Deleted: sampleTime(deleted), Gone: sampleTime(gone),
			PutBack: "/trash/people/1/put-back", Erase: "/trash/people/1/erase", CSRF: "csrf-token"}
	}
	trash := trashView{page: with(staff("Trash", "/trash"), func(p *page) { p.Trash = true }), Keep: "30 days",
		People: []trashedView{
			trashed("Ada Lovelace", "", "Grace Hopper", "2026-11-24T14:05:09Z", "2026-12-24T14:05:09Z"),
			trashed(arabic, "", "shared key", "2026-11-20T09:00:00Z", "2026-12-20T09:00:00Z"),
			trashed(markup+unbroken[:80], "", unbroken[:60], "2026-11-19T09:00:00Z", "2026-12-19T09:00:00Z"),
		}, pager: pager{FirstText: "First people", NextText: "Next people", Next: "/trash?after=x"},
		Files: []trashedView{
			trashed("engine-drawing.png", "Ada Lovelace", "Grace Hopper", "2026-11-24T14:05:09Z",
				"2026-12-24T14:05:09Z"),
			trashed(unbroken+".tar.gz", arabic, "Grace Hopper", "2026-11-20T09:00:00Z", "2026-12-20T09:00:00Z"),
		}}
	erase := eraseView{page: staff("Erase a person", "/trash/people/1/erase"), Name: "Ada Lovelace", What: "person",
		Question: "Erase Ada Lovelace and 3 files for good?", Consequence: eraseConsequence,
		Action: "/trash/people/1/erase",
		Cancel: "/trash"}
	selected := selectedView{page: staff("Delete people", "/people/selected"), Question: "Move 4 people to the trash?",
		Consequence: "Nobody will see them, and uploads to them end. Within 30 days, they can be put back from the " +
			"trash; " +
			"then they are erased.", Names: []string{"Ada Lovelace", arabic, markup, unbroken}, Button: "Move to trash",
		Action: "/people/selected", Of: "people", Fields: []hiddenField{{"do", "trash"}}, Cancel: "/people"}
	job := jobView{page: staff("Change of many people", "/people/jobs/1"), Path: "/people/jobs/1", Running: true,
		Text: jobText(dossier.Job{JobOrder: dossier.JobOrder{Kind: dossier.JobTrash, Found: 100_000},
			Bulk: dossier.Bulk{Changed: 43_211}}), By: unbroken[:60], Stop: "/people/jobs/1/stop",
		Begun: sampleTime("2026-11-24T14:05:09Z"), Moved: sampleTime("2026-11-24T14:06:09Z")}
	directory := directoryAt(staff("Directory", "/people"), directoryPlace{})
	directory.Bulk = bulkOf(directoryPlace{}, time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC), sampleRole)
	filtered := func(query string) directoryView {
		values, err := url.ParseQuery(query)
		if err != nil {
			panic(err)
		}
		at, err := directoryPlaceOf(values)
		if err != nil {
			panic(err)
		}
		v := directoryAt(directory.page, at)
		v.Bulk = directory.Bulk
		return v
	}
	everyFilter := filtered("q=ada&name=Lovelace&location=" + url.QueryEscape(unbroken[:100]) +
		"&age_from=18&age_to=65&technology=go&submitted_from=2026-11-01&submitted_to=2026-11-30&zone=Europe/Paris" +
		"&files=with&unfinished=yes&sort=-age")
	filePages := pager{First: "/", FirstText: "First files", Next: "/?after=x", NextText: "Next files"}
	document, err := loadDocument()
	if err != nil {
		panic(err)
	}
	api := document.parts.view()
	api.page = visitor("API", "/api/v1/")
	refused := func(name, why string) fileView { return fileView{Name: name, State: "refused", Why: why} }

	all := []sample{
		{"form", "form", sampleForm()},
		{"form-staff", "form", with(sampleForm(), func(v *formView) { v.Staff, v.CSRF = true, "csrf-token" })},
		{"form-faults", "form", with(sampleForm(), func(v *formView) {
			v.Typed = typed("", "!!", "200", unbroken+"x")
			v.Notice = "Some fields need your attention."
			v.Order = []string{"name", "location", "age", "technology", "files"}
			v.Faults = map[string]string{
				"name": "Enter a name, up to 200 characters.", "location": "Must contain a letter or a digit.",
				"age": "Enter an age in years from 0 to 130.", "technology": "Must be at most 200 characters long.",
				"files": "Choose at most 50 files.",
			}
			v.FilesLost = true
		})},
		{"form-one-fault", "form", with(sampleForm(), func(v *formView) {
			v.Typed = typed("Ada Lovelace", "London", "-1", "Analytical Engine")
			v.Order, v.Faults = []string{"age"}, map[string]string{"age": "Enter an age in years from 0 to 130."}
		})},
		{"form-markup", "form", with(sampleForm(), func(v *formView) {
			v.Typed = typed(markup, arabic, `"x"`, emoji)
			v.Order, v.Faults = []string{"age"},
				map[string]string{"age": "Must be a whole number. Enter an age in years from 0 to 130."}
		})},
		{"form-outage", "form", with(sampleForm(), func(v *formView) {
			v.Typed = typed("Ada Lovelace", "London", "36", "Analytical Engine")
			v.Notice = "Your submission could not be stored just now."
			v.Advice = "Nothing is lost but time: wait a moment and send the form again. You will not end up in the " +
				"list twice."
			v.RequestID, v.FilesLost = sampleRequestID, true
		})},
		{"form-conflict", "form", with(sampleForm(), func(v *formView) {
			v.Typed = typed("Ada Lovelace", "London", "36", "Analytical Engine")
			v.Notice = "This form was already used for another submission, or its submission is being deleted."
			v.Advice = "Your details are kept below: send them as a new submission."
			v.Anew, v.FilesLost = true, true
		})},
		{"form-not-taking", "form", with(sampleForm(), func(v *formView) {
			v.NotTaking = "The site cannot accept files at the moment because its storage is full. Try again later."
		})},
		{"form-types", "form", with(sampleForm(), func(v *formView) {
			v.Limits.Types, v.MaxTime = "application/pdf,image/*", "4 minutes 30 seconds"
		})},
		{"receipt-complete", "receipt",
			with(receipt, func(v *receiptView) {
				v.Complete, v.Total, v.Count, v.Files = true, 3, "3 files", mixedFiles()
			})},
		{"receipt-damaged", "receipt", with(receipt, func(v *receiptView) {
			v.Total, v.Count, v.Progress, v.Files = 3, "3 files", "2 of 3 files", mixedFiles()[1:]
			v.Manage, v.Expires, v.Person.Export = "/receipt/1/link", sampleTime("2027-11-24T14:05:00Z"),
				"/receipt/1/export.zip"
			v.Missing = []fileView{with(mixedFiles()[0], func(f *fileView) {
				f.State, f.Why, f.Download = stateDamaged,
					"The stored copy is damaged. Send the file again to replace it.", ""
			})}
		})},
		{"receipt-photos", "receipt", with(receipt, func(v *receiptView) {
			v.Complete, v.Total, v.Count = true, 3, "3 files"
			for _, size := range []string{"2.1 MB", "2.3 MB", "1.9 MB"} {
				v.Files = append(v.Files, storedFile("image.jpg", "image/jpeg", size, size))
			}
		})},
		{"receipt-no-files", "receipt", with(receipt, func(v *receiptView) { v.Complete = true })},
		{"receipt-part", "receipt", with(receipt, func(v *receiptView) {
			v.Progress, v.Advice, v.Files = "3 of 5 files", "One submission takes up to 50 files, of 5.3 GB each.",
				mixedFiles()
			v.Missing = []fileView{refused("holiday.mov", "Exceeds the limit of 5.3 GB for one file."),
				refused(unbroken, "Damaged on the way to the store and discarded. Send it again.")}
		})},
		{"receipt-pending", "receipt", with(receipt, func(v *receiptView) {
			v.Pending = true
			v.Missing = []fileView{{Name: "engine-drawing.png", State: "uploading",
				Why: "Not confirmed. Send the form again."}}
		})},
		{"receipt-unfinished", "receipt", with(receipt, func(v *receiptView) {
			v.Progress, v.Files, v.MoreMissing = "3 of 25 files", mixedFiles(), "20 more files"
			v.Missing = unfinishedFiles()
			v.Expires = sampleTime("2027-11-24T14:05:00Z")
		})},
		{"receipt-sending", "receipt", with(receipt, func(v *receiptView) {
			v.Sending, v.Progress, v.Files, v.Missing = true, "3 of 4 files", mixedFiles(), unfinishedFiles()[1:]
		})},
		{"receipt-outage", "receipt", with(receipt, func(v *receiptView) {
			v.Pending, v.Notice, v.Advice = true, "A store did not answer in time.",
				"Go back and send the same form again."
			v.RequestID = sampleRequestID
		})},
		{"receipt-odd", "receipt", with(receipt, func(v *receiptView) {
			v.Person, v.Progress = crowd()[3], "5 of 7 files"
			v.Files, v.Missing = oddFiles()[:5], oddFiles()[5:]
		})},
		{"receipt-fifty", "receipt", with(receipt, func(v *receiptView) {
			v.Complete, v.Total, v.Count, v.Files = true, 50, "50 files", fiftyFiles()
			v.Archive, v.ArchiveText = samplePerson+"/files.zip", "Download all as a ZIP file (50 files, 163 MB)"
		})},
		{"receipt-pages", "receipt", with(receipt, func(v *receiptView) {
			v.Complete, v.Total, v.Count, v.Files, v.pager = true, 10_000, "10,000 files", fiftyFiles()[:3], filePages
			v.Archive, v.ArchiveText = samplePerson+"/files.zip", "Download all as a ZIP file (10,000 files, 33 GB)"
		})},
		{"receipt-past-end", "receipt", with(receipt, func(v *receiptView) {
			v.Complete, v.Total, v.Count = true, 10_000, "10,000 files"
			v.pager = pager{First: "/", FirstText: "First files"}
		})},
		{"open-trash", "open", openView{page: visitor("Open your receipt", "/receipt"),
			Fault: "What you submitted was deleted by the staff of this site on November 24, 2026, 14:05 UTC. It is " +
				"not erased yet: if you need it, ask the staff soon to put it back."}},
		{"open", "open", openView{page: visitor("Open your receipt", "/receipt")}},
		{"open-fault", "open", openView{page: visitor("Open your receipt", "/receipt"),
			Fault: "This link does not open a receipt. Check that the link is complete."}},
		{"link", "link", linkView{page: withToken(visitor("Private link", "/receipt")), Name: "Ada Lovelace",
			Replace: "/receipt/x/replace", Expire: "/receipt/x/expire", Close: "/receipt/x/close", Back: "/receipt/x",
			Replacement: "https://dossier.example/receipt#" + sampleReceipt, To: sampleReceipt,
			Choices: expiryChoices}},
		{"link-staff", "link", linkView{page: staff("Private link", samplePerson), Name: "Ada Lovelace",
			Expires: sampleTime("2027-11-24T14:05:00Z"), Expire: samplePerson + "/expire", Back: samplePerson,
			Choices: expiryChoices}},
		{"signin", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), ByKey: true,
			Next: "/people"}},
		{"signin-accounts", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Accounts: true,
			Next: "/people"}},
		{"signin-both", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Accounts: true,
			ByKey:   true,
			Address: unbroken, Next: "/people", FaultField: "password",
			Fault: "The address, the password or the code is " +
				"wrong. A code works once: wait for the next one."}},
		{"signin-plain", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Accounts: true,
			Plain: true,
			Next:  "/people"}},
		{"signin-key-over", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Accounts: true,
			Next: "/people", FaultField: "key", Fault: "This site has an administrator, so the shared key no longer " +
				"works. " +
				"Sign in with your account."}},
		{"signin-flash", "signin", signInView{page: with(visitor("Staff sign-in", "/staff/sign-in"), func(p *page) {
			p.Flash = "Your session has ended. Sign in again."
		}), ByKey: true, Next: "/people"}},
		{"signin-fault", "signin",
			signInView{page: page{Title: "Staff sign-in", Path: "/staff/sign-in", CSRF: "csrf-token"}, Key: "wrong",
				Next: "/people", ByKey: true, FaultField: "key",
				Fault: "This is not the key."}},
		{"signin-issuer", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Next: "/people",
			Issuer: "Ünïversity & Co", Accounts: true, ByKey: true}},
		{"signin-issuer-fault", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Next: "/people",
			Issuer: "Ünïversity & Co", IssuerOnly: true,
			IssuerFault: "Ünïversity & Co knows you as ada@people.example, but you have no access to this site. Ask " +
				"an " +
				"administrator of the site for one of the roles viewer, editor and administrator."}},
		{"signin-issuer-down", "signin", signInView{page: visitor("Staff sign-in", "/staff/sign-in"), Next: "/people",
			Issuer: "Ünïversity & Co", Accounts: true,
			IssuerFault: "Ünïversity & Co is not responding, so nobody can sign in with it at the moment. Those who " +
				"are signed in stay signed in. Try again in a minute."}},
		{"invitation", "invitation", invitationView{page: visitor("Your account", "/staff/invitation")}},
		{"invitation-used", "invitation", invitationView{page: visitor("Your account", "/staff/invitation"),
			Fault: "This link was used already, replaced by a newer one, or is incomplete. Ask an administrator for " +
				"a new " +
				"one."}},
		{"accept", "accept", acceptView{page: visitor("Your account", "/staff/invitation"),
			Action: "/staff/invitation/accept", Link: sampleReceipt, Name: "Grace Hopper",
			Address: "grace@site.example",
			Role:    "editor", Enrollment: sampleEnrollment(), Least: 8, Most: 128}},
		{"accept-plain", "accept", acceptView{page: visitor("Your account", "/staff/invitation"),
			Address: "grace@site.example", Role: "viewer", Plain: true}},
		{"accept-reset", "accept", acceptView{page: visitor("Your account", "/staff/invitation"), Reset: true,
			Action: "/staff/invitation/accept", Link: sampleReceipt, Name: markup, Address: unbroken + "@site.example",
			Role: "administrator", Enrollment: sampleEnrollment(), Least: 8, Most: 128, faultView: sampleFaults("name",
				"password", "code")}},
		{"accept-password", "accept", acceptView{page: visitor("Your account", "/staff/invitation"), Reset: true,
			KeepsCodes: true, Action: "/staff/invitation/accept", Link: sampleReceipt, Name: "Grace Hopper",
			Address: "grace@site.example", Role: "viewer", Least: 8, Most: 128}},
		{"accept-password-fault", "accept", acceptView{page: visitor("Your account", "/staff/invitation"), Reset: true,
			KeepsCodes: true, Action: "/staff/invitation/accept", Link: sampleReceipt, Name: markup,
			Address: unbroken + "@site.example", Role: "viewer", Least: 8, Most: 128,
			faultView: sampleFaults("password", "code")}},
		{"accept-first", "accept", acceptView{page: with(staff("First administrator", "/staff/first"),
			func(p *page) { p.Shared = true }), Action: "/staff/first", First: true,
			ID: "0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c11", Role: "administrator", Enrollment: sampleEnrollment(), Least: 8,
			Most: 128, faultView: sampleFaults("address")}},
		{"recovery", "recovery", recoveryView{page: staff("Recovery codes", "/staff/invitation/accept"), New: true,
			Codes: strings.Fields(sampleRecovery), Lines: sampleRecovery}},
		{"accounts-none", "accounts", accountsView{page: with(staff("Accounts", "/staff/accounts"),
			func(p *page) { p.Shared = true }), Role: "viewer", Days: "3 days", Shared: true}},
		{"accounts", "accounts", accountsView{page: staff("Accounts", "/staff/accounts"), Role: "editor",
			Days: "3 days",
			Name: unbroken, Address: "grace", faultView: sampleFaults("address"), Accounts: []accountView{
				sampleAccount(), with(sampleAccount(), func(v *accountView) {
					v.Name, v.Address, v.Role, v.State, v.Own, v.Local = arabic, "musa@site.example", "viewer",
						"suspended", false,
						false
				}), with(sampleAccount(), func(v *accountView) {
					v.Name, v.Address, v.Role, v.State, v.Own, v.SignedIn = unbroken, unbroken+"@site.example",
						"editor",
						"invited", false, moment{}
				})}}},
		{"member", "member", memberView{page: staff("Ada Lovelace", "/staff/accounts/x"), accountView: sampleAccount(),
			Roles: roles, Back: "/staff/accounts", Sessions: []sessionView{{Here: true, Browser: "Firefox on Linux",
				Client: "192.0.2.1", Began: sampleTime("2026-11-24T14:05:00Z"),
				Seen: sampleTime("2026-11-24T15:05:00Z"),
				End:  "/staff/sessions/x/end"}}}},
		{"member-invited", "member", memberView{page: staff(unbroken, "/staff/accounts/x"),
			accountView: with(sampleAccount(), func(v *accountView) {
				v.Name, v.Address, v.State, v.Own, v.SignedIn = unbroken, unbroken+"@site.example", "invited",
					false, moment{}
			}), Link: "https://dossier.example/staff/invitation#" + sampleReceipt[:43], Lasts: "3 days", Roles: roles,
			Back: "/staff/accounts"}},
		{"member-suspended", "member", memberView{page: staff(markup, "/staff/accounts/x"),
			accountView: with(sampleAccount(), func(v *accountView) {
				v.Name, v.State, v.Local, v.Own = markup, "suspended", false, false
			}), Roles: roles, Back: "/staff/accounts"}},
		{"account", "account", ownAccountView{page: staff("My account", "/staff/account"), accountView: sampleAccount(),
			Least: 8, Most: 128}},
		{"account-fault", "account", ownAccountView{page: staff("My account", "/staff/account"),
			accountView: sampleAccount(), Least: 8, Most: 128, Fault: "The address, the password or the code is " +
				"wrong."}},
		{"account-issuer", "account", ownAccountView{page: staff("My account", "/staff/account"),
			accountView: with(sampleAccount(), func(v *accountView) { v.Local, v.Role = false, "viewer" })}},
		{"codes", "codes", codesView{page: staff("New codes", "/staff/account/codes"), Enrollment: sampleEnrollment(),
			faultView: sampleFaults("code")}},
		{"proof", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: "Ada Lovelace",
			Local: true, Next: "/staff/accounts"}},
		{"proof-key", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: "shared key",
			Shared: true, Next: "/staff/accounts", Fault: "This is not the right key."}},
		{"proof-issuer", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: unbroken,
			Issuer: "Ünïversity & Co", Next: "/staff/accounts"}},
		{"proof-issuer-gone", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: unbroken,
			Next: "/staff/accounts"}},

		{"directory", "directory", with(directory, func(v *directoryView) {
			v.Count, v.Bulk.All = "More than 10,000 people", "All people, on every page"
			v.People, v.First, v.Previous, v.Next = crowd(), "/people", "/people?before=x", "/people?after=x"
		})},
		{"directory-search", "directory", with(filtered("q=ad"), func(v *directoryView) {
			v.People, v.Count = []personView{crowd()[0]}, "1 person"
		})},
		{"directory-filters", "directory", with(everyFilter, func(v *directoryView) {
			v.People, v.Count, v.Open, v.Incomplete = crowd(), "2,318 people", true, true
			v.Bulk.All, v.Next = "All 2,318 people that match, on every page", "/people?after=x"
		})},
		{"directory-faults", "directory", with(everyFilter, func(v *directoryView) {
			v.Open, v.Fault = true, "Some filters need your attention."
			v.Filters.Faults, v.Filters.Details = map[string]string{}, slices.Clone(v.Filters.Details)
			for _, name := range []string{"q", "name", "location", "technology", "age_from", "age_to", "submitted_from",
				"submitted_to", "zone", "files", "unfinished", "sort"} {
				v.Filters.Faults[name] = "Must be at most 200 characters long."
			}
			for i := range v.Filters.Details {
				v.Filters.Details[i].Faults = v.Filters.Faults
			}
		})},
		{"directory-names", "directory", with(directory, func(v *directoryView) {
			v.People, v.Count = manyScripts(), "8 people"
		})},
		{"directory-viewer", "directory", with(directory, func(v *directoryView) {
			v.People, v.Count, v.Editor, v.Administrator = crowd(), "7 people", false, false
			v.Bulk = bulkOf(directoryPlace{}, time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC), roles[0])
		})},
		{"directory-shared", "directory", with(directory, func(v *directoryView) {
			v.People, v.Count, v.Shared = crowd(), "7 people", true
		})},
		{"directory-empty", "directory", directory},
		{"directory-full", "directory", with(directory, func(v *directoryView) {
			v.Count, v.Next, v.Bulk.All = "2,000 people", "/people?after=x", "All 2,000 people, on every page"
			for range 7 {
				v.People = append(v.People, crowd()...)
			}
		})},
		{"directory-flash", "directory", with(directory, func(v *directoryView) {
			v.People, v.Count, v.Flash = crowd(), "7 people", "Ada Lovelace was deleted."
		})},
		{"directory-nobody", "directory", filtered("q=" + url.QueryEscape(markup+unbroken[:100]))},
		{"directory-nobody-loosen", "directory", with(everyFilter, func(v *directoryView) {
			v.Chips = slices.Clone(v.Chips)
			v.Chips[1].Found, v.Chips[2].Found = "1 person", "More than 10,000 people"
		})},
		{"directory-nobody-so-far", "directory", with(filtered("q=few+many"), func(v *directoryView) {
			v.Next = "/people?q=few+many&after=x"
		})},
		{"directory-past-end", "directory", with(directory, func(v *directoryView) { v.First = "/people" })},
		{"person", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Archive = forStaff(picture, mixedFiles()...), "3 files, 1.6 MB",
				samplePerson+"/files.zip"
			v.ArchiveText = "Download all as a ZIP file (3 files, 1.6 MB)"
			v.History, v.AllHistory = sampleAudit(page{}).Entries[:4], "/staff/audit?subject=x"
		})},
		{"person-damaged", "person", with(person, func(v *personPageView) {
			v.Files, v.Total = forStaff(picture, mixedFiles()...), "3 files, 1.6 MB"
			v.Person.Export, v.ReceiptExpires = samplePerson+"/export.zip", sampleTime("2027-11-24T14:05:00Z")
			v.Files[0].State, v.Files[0].Download = stateDamaged, ""
			v.Files[0].Why = "The stored copy is damaged. It will be replaced when the same file is sent again."
			v.History, v.AllHistory = sampleAudit(page{}).Entries, "/staff/audit?subject=x"
		})},
		{"person-viewer", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Archive = mixedFiles(), "3 files, 1.6 MB", samplePerson+"/files.zip"
			v.ArchiveText = "Download all as a ZIP file (3 files, 1.6 MB)"
			v.Editor, v.Administrator, v.Person.Link, v.Person.Delete = false, false, "", ""
		})},
		{"person-scanned", "person", with(person, func(v *personPageView) {
			v.Files, v.Total = forStaff(picture, scannedFiles()...), "5 files, 32 MB"
		})},
		{"person-unscanned", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Unscanned = forStaff(picture, mixedFiles()...), "3 files, 1.6 MB", true
		})},
		{"receipt-withheld", "receipt", with(receipt, func(v *receiptView) {
			v.Complete, v.Total, v.Count, v.Files = true, 5, "5 files", scannedFiles()
			for i := range v.Files {
				v.Files[i].Scan = ""
			}
		})},
		{"person-no-files", "person", person},
		{"person-unfinished", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Archive = forStaff(picture, mixedFiles()...), "3 files, 1.6 MB",
				samplePerson+"/files.zip"
			v.ArchiveText, v.MoreUnfinished = "Download all as a ZIP file (3 files, 1.6 MB)", "20 more files"
			v.Unfinished = unfinishedFiles()
			for i := range v.Unfinished {
				v.Unfinished[i].Delete = samplePerson + "/files/1/delete"
			}
		})},
		{"person-odd", "person", with(person, func(v *personPageView) {
			v.Person = with(crowd()[3], func(p *personView) { p.Delete = samplePerson + "/delete" })
			v.Files, v.Total = forStaff(picture, oddFiles()...), "5 files, 5.3 GB"
		})},
		{"person-deleting", "person", with(person, func(v *personPageView) {
			v.Person.Deleting = true
			v.Files = []fileView{{Name: "engine-drawing.png", State: "deleting"}}
		})},
		{"person-fifty", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Archive = forStaff(picture, fiftyFiles()...), "50 files, 163 MB",
				samplePerson+"/files.zip"
			v.ArchiveText = "Download all as a ZIP file (" + v.Total + ")"
		})},
		{"person-pages", "person", with(person, func(v *personPageView) {
			v.Files, v.Total, v.Archive, v.pager = forStaff(picture, fiftyFiles()[:3]...), "10,000 files, 33 GB",
				samplePerson+"/files.zip", filePages
			v.ArchiveText = "Download all as a ZIP file (" + v.Total + ")"
		})},
		{"person-past-end", "person", with(person, func(v *personPageView) {
			v.Total, v.pager = "10,000 files, 33 GB", pager{First: "/", FirstText: "First files"}
		})},
		{"confirm", "confirm", confirmView{page: staff("Delete Ada Lovelace?", samplePerson+"/delete"),
			Question: "Delete Ada Lovelace and 3 files?", Consequence: "This cannot be undone.", Button: "Delete",
			Action: samplePerson +
				"/delete", Cancel: samplePerson}},
		{"confirm-odd", "confirm", confirmView{page: staff("Delete?", samplePerson+"/delete"),
			Question: "Delete " + unbroken + " and 1 file?", Consequence: "This cannot be undone.", Button: "Discard",
			Action: samplePerson + "/delete", Cancel: samplePerson}},
		{"error-not-found", "error",
			errorView{page: visitor("Not found", "/x"), Status: 404, Heading: "There is nothing here",
				Message: "The address may be wrong, or what stood here was deleted.", RequestID: sampleRequestID,
				Back:     "/",
				BackText: "Go to the form"}},
		{"trash", "trash", trash},
		{"trash-empty", "trash", trashView{page: trash.page, Keep: "30 days"}},
		{"trash-files", "trash", trashView{page: trash.page, Files: trash.Files,
			FilePages: pager{FirstText: "First files", NextText: "Next files", First: "/trash",
				Next: "/trash?files=x"}}},
		{"trash-past-end", "trash", trashView{page: trash.page, Keep: "30 days", pager: pager{First: "/trash"}}},
		{"trash-files-past-end", "trash", trashView{page: trash.page, Keep: "30 days",
			FilePages: pager{First: "/trash"}}},
		{"trash-job", "trash", with(trash, func(v *trashView) {
			v.Empty, v.Running = "/trash/empty", []jobView{job}
			v.Space = spaceView{"The storage is full: no files are accepted.", "/trash/empty"}
		})},
		{"job", "job", job},
		{"job-waiting", "job", with(job, func(v *jobView) { v.Waiting, v.Interrupted = true, true })},
		{"job-failed", "job", with(job, func(v *jobView) {
			v.Running, v.Stop, v.UndoMove = false, "", "/trash/moves/1/put-back"
			v.Text = jobEndText(dossier.Job{JobOrder: dossier.JobOrder{Kind: dossier.JobTrash, Found: 100_000},
				State: dossier.JobFailed, Bulk: dossier.Bulk{Changed: 43_211}})
		})},
		{"empty-trash", "selected", with(selected, func(v *selectedView) {
			v.Names, v.Question = nil, "Erase everything in the trash for good?"
			v.Consequence = "These are " + thingsText(1284) + ". " + eraseConsequence
			v.Type, v.Of, v.Button, v.Action = "1,284", "people and files", "Erase for good", "/trash/empty"
		})},
		{"erase", "erase", erase},
		{"selected", "selected", selected},
		{"selected-filters", "selected", with(selected, func(v *selectedView) {
			v.Names, v.Filters = nil, []dossier.FilterPart{{Label: "Search", Value: "ada"},
				{Label: "Location", Value: unbroken}}
			v.All, v.Question = true, "Move 2,318 people to the trash?"
		})},
		{"selected-everybody", "selected", with(selected, func(v *selectedView) {
			v.Names, v.All, v.Question, v.Consequence = nil, true, "Delete 2,318 people for good?", eraseConsequence
			v.Type, v.Fault, v.Button = "2,318", "This is not the number. Type it as it is written above.",
				"Delete for good"
		})},
		{"erase-fault", "erase", with(erase, func(v *eraseView) { v.Fault, v.Name = notNamed, markup+unbroken[:100] })},
		{"undo", "directory", with(directory, func(v *directoryView) {
			v.People, v.Count, v.Flash = crowd(), "7 people", "Ada Lovelace was moved to the trash."
			v.Undo, v.Trash = "/trash/people/1/put-back", true
		})},
		{"audit", "audit", sampleAudit(staff("Audit trail", "/staff/audit"))},
		{"audit-filtered", "audit", with(sampleAudit(staff("Audit trail", "/staff/audit")), func(v *auditView) {
			v.Filtered, v.From, v.To, v.Action, v.Result = true, "2026-11-01", "2026-11-24", "person.delete", "failed"
			v.Subject, v.Actor = samplePerson[len("/people/"):], audit.Shared
			v.Entries, v.First, v.Next = v.Entries[:1], "/staff/audit", ""
		})},
		{"audit-none", "audit", with(sampleAudit(staff("Audit trail", "/staff/audit")), func(v *auditView) {
			v.Filtered, v.Entries, v.Next = true, nil, ""
		})},
		{"audit-past-end", "audit", with(sampleAudit(staff("Audit trail", "/staff/audit")), func(v *auditView) {
			v.Entries, v.First, v.Next = nil, "/staff/audit", ""
		})},
		{"sessions-all", "sessions", sessionsView{page: staff("Sessions", "/staff/sessions"), Others: true, All: true,
			Lifetime: "12 hours", Idle: "1 hour", Sessions: []sessionView{
				{Here: true, Who: "Ada Lovelace", Browser: "Firefox on Linux", Client: "192.0.2.1",
					Began: sampleTime("2026-11-24T14:05:00Z"),
					Seen:  sampleTime("2026-11-24T15:05:00Z"), End: "/staff/sessions/x/end"},
				{Who: unbroken, Browser: markup, Client: "192.0.2.1", Began: sampleTime("2026-11-24T14:05:00Z"),
					Seen: sampleTime("2026-11-24T15:05:00Z"), End: "/staff/sessions/y/end"}}}},
		{"sessions", "sessions", sessionsView{page: staff("Sessions", "/staff/sessions"), Others: true, More: true,
			Lifetime: "12 hours", Idle: "1 hour", Sessions: []sessionView{
				{Here: true, Browser: "Firefox on Linux", Client: "192.0.2.1",
					Began: sampleTime("2026-11-24T14:05:00Z"),
					Seen:  sampleTime("2026-11-24T15:05:00Z"), End: "/staff/sessions/x/end"},
				{Browser: unbroken, Client: "2001:db8:1234:5678:9abc:def0:1234:5678",
					Began: sampleTime("2026-11-24T11:05:00Z"), Seen: sampleTime("2026-11-24T14:45:00Z"),
					End: "/staff/sessions/y/end"},
			}}},
		{"sessions-one", "sessions", sessionsView{page: staff("Sessions", "/staff/sessions"), Lifetime: "12 hours",
			Idle: "1 hour", Sessions: []sessionView{{Here: true, Browser: "Unknown browser", Client: "127.0.0.1",
				Began: sampleTime("2026-11-24T14:05:00Z"), Seen: sampleTime("2026-11-24T14:05:00Z"),
				End: "/staff/sessions/x/end"}}}},
		{"administration-new", "administration", administrationView{
			page: staff("Administration", "/staff/administration"), Version: "dev",
			Started: sampleTime("2026-11-24T14:05:00Z"), UnfinishedCount: "0 unfinished uploads",
			Others: []Setting{{Name: "DOSSIER_LISTEN", Value: "localhost:8080", Source: "default", Default: true,
				Meaning: "Address to listen on."}}}},
		{"administration", "administration", administrationView{
			page: staff("Administration", "/staff/administration"), Version: "1.4.0-12-g86d74de",
			Started: sampleTime("2026-11-24T14:05:00Z"), Down: "people, files", Full: "forms",
			Stored: "1,284 files, 18.4 GB", Budget: "18.4 GB of 1 TB, in 1284 of 1,000,000 files: 2 %",
			Compared: sampleTime("2026-11-24T13:05:00Z"), Read: sampleTime("2026-11-20T13:05:00Z"),
			Found: "no damage found", Attention: 3, UnfinishedCount: "More than 1000 unfinished uploads",
			Unfinished: []unfinishedView{
				{Name: unbroken, Person: arabic, Path: samplePerson, Began: sampleTime("2026-11-24T11:05:00Z"),
					Moved: sampleTime("2026-11-24T11:45:00Z")},
				{Name: markup, Person: emoji, Path: samplePerson, Began: sampleTime("2026-11-24T13:05:00Z"),
					Moved: sampleTime("2026-11-24T13:45:00Z")}},
			Chosen: []Setting{
				{Name: "DOSSIER_PUBLIC_URL", Value: "https://files.example", Source: "environment",
					Meaning: "Origin at which browsers reach the server, for private links."},
				{Name: "DOSSIER_STAFF_SECRET", Value: "(hidden)",
					Source:  "Parameter Store /dossier/prod/staff/secret",
					Meaning: "What staff sign in with."}},
			Others: []Setting{{Name: "DOSSIER_TIMEOUT_UPLOAD", Value: unbroken, Source: "default", Default: true,
				Meaning: "Maximum time for one upload."}}}},
		{"tokens-shared", "tokens", tokensView{page: staff("API tokens", "/staff/tokens")}},
		{"tokens-made", "tokens", with(sampleTokens(), func(v *tokensView) {
			v.Made, v.MadeName = "dossier_pat_"+strings.Repeat("abcdefgh", 7)+"ij", markup
			v.Tokens = v.Tokens[:1]
		})},
		{"tokens", "tokens", sampleTokens()},
		{"tokens-faulty", "tokens", with(sampleTokens(), func(v *tokensView) {
			v.Name, v.Days, v.Choices[0].Chosen = unbroken, "1000", false
			v.Faults = map[string]string{"name": "Must be at most 100 characters long.",
				"scopes": "Choose what the token may do.", "days": "Must be 1 to 365 days."}
		})},
		{"custody-empty", "custody", custodyView{page: staff("Storage", "/staff/storage")}},
		{"custody", "custody", custodyView{page: staff("Storage", "/staff/storage"),
			Damaged: []damagedView{
				{Name: "Notes on the engine.pdf", Person: "Ada Lovelace", Path: samplePerson,
					What: "Its bytes are missing",
					At:   sampleTime("2026-11-24T14:05:00Z")},
				{Name: strings.Repeat("very-long-name-", 16) + ".jpeg",
					Person: strings.Repeat("Wolfeschlegelstein", 11), Path: samplePerson,
					What: "Its bytes changed", At: sampleTime("2026-11-24T14:05:00Z")},
			}, More: true,
			Reading: &passView{Files: "12,345 files", Size: "112 GB", Found: "2 damaged files found",
				At: sampleTime("2026-11-24T12:00:00Z"), Unread: "1 file"},
			Read: &passView{Files: "98,765 files", Size: "1.3 TB", Found: "no damage found",
				At: sampleTime("2026-11-23T11:48:00Z")},
			Scanned: true, AnyFailed: true, Waiting: "1,000 files or more",
			WaitingSince: sampleTime("2026-11-24T14:05:00Z"),
			Failed:       "1 file", Removed: "30 days", MoreInfected: true,
			Infected: []damagedView{
				{Name: "invoice.docm", Person: "Ada Lovelace", Path: samplePerson,
					What: "Doc.Downloader.Emotet-7580152-0",
					At:   sampleTime("2026-11-24T14:06:00Z")},
				{Name: unbroken, Person: unbroken, Path: samplePerson, What: unbroken,
					At: sampleTime("2026-11-24T14:06:00Z")},
			},
			Left: "1.2 TB", Compared: sampleTime("2026-11-24T03:00:00Z"),
			Files:     "98,801 files",
			Ownerless: "40 items", Held: "40 items", HeldNumber: 40}},
		{"error-unavailable", "error", errorView{page: staff("Not available", "/people"), Status: 503,
			Heading: "This does not work just now",
			Message: "A store does not answer. Try again in a minute.", RequestID: sampleRequestID, Back: "/people",
			BackText: "Try again"}},
		{"confirm-account", "confirm", confirmView{page: staff("Remove an account", "/staff/accounts/x/remove"),
			Question: "Remove the account of Ada Lovelace?", Action: "/staff/accounts/x/remove", Button: "Remove",
			Consequence: "They are signed out everywhere. To let them in again, invite them again.",
			Cancel:      "/staff/accounts/x"}},
		{"proof-plain", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: "Ada Lovelace",
			Local: true, Plain: true, Next: "/staff/accounts"}},
		{"proof-fault", "proof", proofView{page: staff("Confirm that it is you", "/staff/proof"), Name: "Ada Lovelace",
			Local: true, Next: "/staff/accounts", Fault: "The password or the code is wrong."}},
		{"recovery-again", "recovery", recoveryView{page: staff("Recovery codes", "/staff/account/codes"),
			Codes: strings.Fields(sampleRecovery), Lines: sampleRecovery}},
		{"tokens-none", "tokens", with(sampleTokens(), func(v *tokensView) { v.Tokens, v.More = nil, false })},
		{"tokens-full", "tokens", with(sampleTokens(), func(v *tokensView) {
			v.Notice = "You have as many tokens as allowed. Revoke one that you no longer need."
		})},
		{"api", "api", api},
		{"error-bare", "error", errorView{page: visitor("Error", "/"), Heading: "Something went wrong"}},
	}
	for _, code := range []dossier.Code{codeUnauthorized, dossier.CodeForbidden, dossier.CodeNotFound,
		dossier.CodeExpired, dossier.CodeConflict, dossier.CodeTooLarge, codeLimited, dossier.CodeUnavailable,
		codeInternal} {
		r := refusals[code]
		all = append(all, sample{"error-code-" + string(code), "error", errorView{page: visitor(r.heading, "/x"),
			Status: r.status, Heading: r.heading, Message: r.message, RequestID: sampleRequestID, Back: "/",
			BackText: "Go to the form"}})
	}
	for _, one := range all {
		if v, ok := one.view.(personPageView); ok {
			v.Cards, v.Look = true, samplePerson
			all = append(all, sample{one.name + "-cards", one.page, v})
		}
	}
	return all
}
