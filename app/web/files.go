package web

import (
	"encoding/hex"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// fileView is one file in a list.
type fileView struct {
	ID dossier.FileID
	// Folder is the path of folders that the file lay in, as a page shows it ("a / b"); empty for none.
	Folder, Name string
	// Type is what people call the media type found by looking at the bytes ("PDF"), MediaType the type itself; empty
	// where unknown yet.
	Type, MediaType string
	// Size is human-readable ("1.2 MB"), Bytes exact with separators ("1,234,567 bytes").
	Size, Bytes string
	// SHA256 in hex; empty where unknown yet.
	SHA256 string
	// SHA256BySender tells that it is what the sender said, which nobody has verified.
	SHA256BySender bool
	// At is when it arrived, or began to.
	At moment
	// State is "stored", "damaged" (stored, but its object is missing or differs), "uploading" (not complete),
	// "sending" (not complete, and on its way), "deleting" or "refused".
	State string
	// HowFar is how much of an unfinished file is there ("34 MB of 200 MB uploaded"); empty where nobody knows.
	HowFar string
	// Why says why a file was not stored; empty when stored.
	Why string
	// Withheld says why a stored file has no download; empty where it has. Scan, for staff, is what a scanner said of
	// it; empty where none is set, and ScanAt when it did. Alarm: it found malware.
	Withheld, Scan string
	ScanAt         moment
	Alarm          bool
	// Download is the path of the download; empty unless stored and handed out. Picture is the path of its thumbnail;
	// empty unless it is handed out, and a raster image of which one may be made. Delete is the path of the page that
	// asks before deleting; empty
	// for submitters.
	Download, Picture, Delete string
}

// shownFolder returns a path of folders as a page shows it.
func shownFolder(folder string) string { return strings.ReplaceAll(folder, "/", " / ") }

func filePath(base string, id dossier.FileID) string { return base + "/files/" + id.String() }

// fileOf returns a file's record as whom to says sees it. Its files lie under base: the path of a person or of a
// receipt.
func (s *Server) fileOf(f dossier.File, base string, to dossier.Audience) fileView {
	v := fileView{ID: f.ID, Name: f.Name, Folder: shownFolder(f.Folder), State: string(f.State),
		At: momentOf(f.CreatedAt)}
	if f.Content != nil {
		v.Type, v.MediaType = typeName(f.Content.Type)
		v.Size = dossier.FormatBytes(f.Content.Size)
		v.Bytes = counted(f.Content.Size, "byte")
		v.SHA256, v.SHA256BySender = hex.EncodeToString(f.Content.SHA256[:]), f.SHA256BySender()
	}
	switch {
	case f.Damage != nil:
		v.State, v.Why = stateDamaged,
			"The stored copy is damaged. It will be replaced when the same file is sent again."
	case f.State == dossier.FileStored:
		if v.Withheld = s.withheld(f, to); v.Withheld == "" {
			v.Download = filePath(base, f.ID)
		}
	}
	return v
}

// withheld says why a file is not handed out, and when it goes; empty where it is handed out.
func (s *Server) withheld(f dossier.File, to dossier.Audience) string {
	why := s.svc.Withheld(f, to)
	if why != "" && f.ScanState() == dossier.ScanInfected && s.o.KeepInfected > 0 {
		why += " It will be removed after " + day(f.Scan.At.Add(s.o.KeepInfected)) + "."
	}
	return why
}

// scanText says for staff what a scanner said of a file.
func scanText(f dossier.File) string {
	if f.Scan == nil || f.Scan.State == dossier.ScanNone && f.Scan.Detail == "" {
		return "Not done"
	}
	text := map[dossier.ScanState]string{
		dossier.ScanWaiting: "Waiting", dossier.ScanClean: "Nothing found", dossier.ScanInfected: "Malware found",
		dossier.ScanFailed: "Failed", dossier.ScanNone: "Not of the whole file",
	}[f.Scan.State]
	if f.Scan.Detail != "" {
		text += " (" + f.Scan.Detail + ")"
	}
	return text
}

// stateDamaged is the state of a stored file whose object is known to be missing or to differ.
const stateDamaged = "damaged"

// fileForStaff adds the ways that staff have, from a place.
func (s *Server) fileForStaff(f dossier.File, from place) fileView {
	base := personPath(f.Person)
	v := s.fileOf(f, base, dossier.ToStaff)
	if f.State != dossier.FileStored {
		return v
	}
	v.Delete = from.on(filePath(base, f.ID) + "/delete")
	v.Alarm = f.ScanState() == dossier.ScanInfected
	if v.Alarm || s.svc.Scanned() {
		v.Scan = scanText(f)
		if f.Scan != nil && f.Scan.State != dossier.ScanWaiting {
			v.ScanAt = momentOf(f.Scan.At)
		}
	}
	if v.Download != "" && f.HasThumbnail() {
		v.Picture = filePath(base, f.ID) + "/picture"
	}
	return v
}

// outcomeOf returns what became of a file of a submission; base is the receipt's path.
func (s *Server) outcomeOf(o dossier.Outcome, base string) fileView {
	if o.Err == nil && o.File != nil {
		return s.fileOf(*o.File, base, dossier.ToAll)
	}
	v := fileView{Name: o.Name, State: "refused", Why: "Not stored. Send it again."}
	if o.Err == nil {
		return v
	}
	switch _, message := codeOf(o.Err); {
	case message != "":
		v.Why = message
	case o.Err.Code == dossier.CodeUnavailable:
		v.Why = "Not stored, because the storage did not respond. Send it again."
	}
	return v
}

// pager leads from a page of a list to others. Each view of such a page embeds it.
type pager struct {
	// First, Previous and Next are paths of the first page, the one before and the next; empty where there is none to
	// go to. FirstText, PreviousText and NextText are what they are called.
	First, FirstText       string
	Previous, PreviousText string
	Next, NextText         string
}

// filesPerPage is how many files a page shows.
const filesPerPage = 100

// listing is what a page shows of a person's files.
type listing struct {
	files []dossier.File
	pager pager
	// archive is the path of the archive of all, empty unless several are stored.
	archive string
}

// listing returns a page of the files of a person of whom so much is stored. Base is the path that their own paths lie
// under.
func (s *Server) listing(c echo.Context, person dossier.PersonID, base string, at place, has progress) (listing,
	error) {
	ctx := c.Request().Context()
	page, err := s.svc.Files(ctx, person, dossier.FilesQuery{After: at.after, Limit: filesPerPage})
	if err != nil {
		return listing{}, err
	}
	l := listing{files: page.Files, pager: pager{FirstText: "First files", NextText: "Next files"}}
	if at.after != (dossier.FileID{}) {
		l.pager.First = at.at(dossier.FileID{}).on(base)
	}
	if page.Next != (dossier.FileID{}) {
		l.pager.Next = at.at(page.Next).on(base)
	}
	if has.Stored.Files > 1 {
		l.archive = base + "/files.zip"
	}
	return l, nil
}

// filesAfter returns where the page of files begins that the query asks for.
func filesAfter(c echo.Context) (dossier.FileID, error) {
	text := c.QueryParam("after")
	if text == "" {
		return dossier.FileID{}, nil
	}
	id, err := dossier.ParseFileID(text)
	if err != nil {
		return dossier.FileID{}, malformed(err, "This page's address is invalid. Start again from the first page.")
	}
	return id, nil
}

// total returns a number and size of files.
func total(q dossier.Quota) string {
	return counted(q.Files, "file") + ", " + dossier.FormatBytes(q.Bytes)
}

// archiveText is what the link to the archive of all files is called. What it has is told where nothing is left out of
// it: what is damaged is, and what a scanner may withhold.
func (s *Server) archiveText(has progress) string {
	if has.Damaged > 0 || s.svc.Scanned() {
		return "Download all available files as a ZIP file"
	}
	return "Download all as a ZIP file (" + total(has.Stored) + ")"
}
