package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/bounds"
)

const (
	// completeTime bounds the completion of a file, which goes on when the client leaves: a store may have to copy all
	// bytes of it.
	completeTime = 10 * time.Minute
	// maxSentName is the longest name, and maxSentFolder the longest path of folders, that a file may be announced
	// under, in characters, before they are made fit.
	maxSentName   = 4096
	maxSentFolder = 1024
)

// announceFile begins a file.
func (s *Server) announceFile(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return malformed(err,
			"The file's id must be a UUID version 7 in canonical form, a new one for each file.")
	}
	var in api.Announcement
	if err := s.readJSON(c, &in, bounds.AnnouncementBytes); err != nil {
		return err
	}
	var faults faultList
	if n := utf8.RuneCountInString(in.Name); n < 1 || n > maxSentName {
		faults.add("name", fmt.Sprintf("Must have 1 to %d characters.", maxSentName))
	}
	folder := ""
	if in.Folder != nil {
		folder = *in.Folder
	}
	if utf8.RuneCountInString(folder) > maxSentFolder {
		faults.add("folder", fmt.Sprintf("Must have at most %d characters.", maxSentFolder))
	}
	if in.Size < 0 {
		faults.add("size", "Must be 0 or more.")
	}
	if err := faults.err(); err != nil {
		return err
	}
	f, err := s.svc.Announce(s.sending(c), by.person,
		dossier.Announcement{ID: id, Folder: folder, Name: in.Name, Size: in.Size})
	if err != nil {
		return err
	}
	return answerJSON(c, apiFile(f))
}

// readFile tells how far a file is.
func (s *Server) readFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	f, parts, err := s.svc.Status(c.Request().Context(), person, id)
	if err != nil {
		return err
	}
	out := api.FileStatus{File: apiFile(f), Parts: make([]api.Part, len(parts))}
	for i, p := range parts {
		out.Parts[i] = api.Part{Number: p.Number, Size: p.Size, Crc64Nvme: api.FormatCRC64NVME(p.CRC64)}
	}
	return answerJSON(c, out)
}

// readContent gives a stored file back.
func (s *Server) readContent(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return err
	}
	if by.receipt == nil {
		// A receipt's person was looked at.
		if _, err := s.svc.Person(c.Request().Context(), by.person); err != nil {
			return err
		}
	}
	f, err := s.svc.File(c.Request().Context(), by.person, id)
	if err != nil {
		return err
	}
	to := dossier.ToAll
	if by.receipt == nil {
		to = dossier.ToStaff
	}
	return s.save(c, f, to)
}

// checkFiles compares stored files with their objects.
func (s *Server) checkFiles(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	var in api.FilesToCheck
	if err := s.readJSON(c, &in, bounds.ChecksBytes); err != nil {
		return err
	}
	if len(in.Files) < 1 || len(in.Files) > dossier.MaxChecked {
		return invalid("files", fmt.Sprintf("Name 1 to %d files.", dossier.MaxChecked))
	}
	var faults faultList
	ids := make([]dossier.FileID, len(in.Files))
	for i, text := range in.Files {
		if ids[i], err = dossier.ParseFileID(text); err != nil {
			faults.add(fmt.Sprintf("files/%d", i), "Must be a UUID version 7 in canonical form.")
		}
	}
	if err := faults.err(); err != nil {
		return err
	}
	files, err := s.svc.Check(c.Request().Context(), by.person, ids)
	if err != nil {
		return err
	}
	out := api.CheckedFiles{Files: make([]api.File, len(files))}
	for i, f := range files {
		out.Files[i] = apiFile(f)
	}
	return answerJSON(c, out)
}

// giveUpFile removes a file that is not stored.
func (s *Server) giveUpFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	err = s.svc.GiveUp(c.Request().Context(), person, id)
	if errors.Is(err, dossier.ErrLost) {
		return dossier.Errorf(dossier.CodeLost, err, "The file is stored. Only staff can delete it.")
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// completeFile makes a file of its parts.
func (s *Server) completeFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	var in api.Completion
	if err := s.readJSON(c, &in, bounds.CompletionBytes); err != nil {
		return err
	}
	var faults faultList
	var sums dossier.Checksums
	if sums.CRC64, err = api.ParseCRC64NVME(in.Crc64Nvme); err != nil {
		faults.add("crc64nvme", crcRule)
	}
	if sums.SHA256, err = api.ParseSHA256(in.Sha256); err != nil {
		faults.add("sha256", "Must be 64 lower-case hexadecimal digits.")
	}
	if err := faults.err(); err != nil {
		return err
	}
	leave, err := s.enterAs(c, s.gates.completions, nil, nil)
	if err != nil {
		return err
	}
	defer leave()
	// All bytes are there by now: what is begun is worth finishing when the client leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), completeTime)
	defer cancel()
	done, err := s.completing.lock(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	f, err := s.svc.Complete(ctx, person, id, sums)
	if err != nil {
		return err
	}
	return answerJSON(c, apiFile(f))
}

func apiFile(f dossier.File) api.File {
	out := api.File{
		ID: f.ID.String(), Name: f.Name, State: api.FileState(f.State), CreatedAt: f.CreatedAt.UTC(),
		UpdatedAt: f.UpdatedAt.UTC(),
	}
	if f.Folder != "" {
		out.Folder = &f.Folder
	}
	if f.Multipart != nil {
		count := partCount(f.Multipart.Size, f.Multipart.PartSize)
		out.Size, out.PartSize, out.PartCount = &f.Multipart.Size, &f.Multipart.PartSize, &count
	}
	if f.Damage != nil {
		kind := api.FileDamage(f.Damage.Kind)
		out.Damage = &kind
	}
	// A record may be described before it is stored; until then the content is nothing to rely on.
	if f.Content != nil && f.State == dossier.FileStored {
		out.Size = &f.Content.Size
		by := api.Site
		if f.SHA256BySender() {
			by = api.Sender
		}
		out.Content = &api.Content{
			Sha256By:  by,
			Crc64Nvme: api.FormatCRC64NVME(f.Content.CRC64), Sha256: api.FormatSHA256(f.Content.SHA256),
			Type: f.Content.Type,
		}
		scan := api.FileScan(f.ScanState())
		out.Scan = &scan
	}
	return out
}

// partCount returns the number of parts of a file; an empty one has one, of no bytes.
func partCount(size, partSize int64) int { return max(1, int((size+partSize-1)/partSize)) }
