package web

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

const (
	// shownUnfinished is how many unfinished files a page names. Of each the object store is asked how far it is.
	shownUnfinished = 20
	// sendingTime is how long after its last sign of life an upload is told as being sent.
	sendingTime = 2 * time.Minute
	// progressTime bounds how long a page waits to know how far uploads are: it can be shown without.
	progressTime = 5 * time.Second
)

// stateSending is the state of an unfinished file that is being sent at the moment.
const stateSending = "sending"

// progress is what a page says of what a person sent.
type progress struct {
	dossier.Summary
	// unfinished are the first of the unfinished files.
	unfinished []fileView
	// sending: all that is missing is being sent at the moment.
	sending bool
}

// stored is how many files are stored and whole.
func (p progress) stored() int64 { return p.Stored.Files - int64(p.Damaged) }

// missing is how many files are not.
func (p progress) missing() int64 { return int64(p.UnfinishedCount + p.Damaged) }

// more returns how many unfinished files there are beside those that are named: "12 more files", or nothing.
func (p progress) more() string {
	if n := p.UnfinishedCount - len(p.unfinished); n > 0 {
		return counted(n, "more file")
	}
	return ""
}

// progress returns how much of what a person sent is stored, and how far the rest is.
func (s *Server) progress(c echo.Context, person dossier.PersonID) (progress, error) {
	sum, err := s.svc.Summary(c.Request().Context(), person)
	if err != nil {
		return progress{}, err
	}
	p := progress{Summary: sum, sending: sum.UnfinishedCount == len(sum.Unfinished) && sum.Damaged == 0}
	ctx, cancel := context.WithTimeout(c.Request().Context(), progressTime)
	defer cancel()
	for i, f := range sum.Unfinished {
		moves := s.now().Sub(f.UpdatedAt) < sendingTime
		if i >= shownUnfinished {
			p.sending = p.sending && moves
			continue
		}
		far := ""
		if f.Multipart != nil {
			// A look at a page changes nothing: Status, which may complete or remove the file, is for the sender.
			switch uploaded, err := s.svc.Uploaded(ctx, f); {
			case err == nil:
				far = howFar(uploaded, f.Multipart.Size)
			case gone(c, err):
				return progress{}, err
			}
		}
		p.sending = p.sending && moves
		p.unfinished = append(p.unfinished, unfinishedOf(f, moves, far))
	}
	p.sending = p.sending && p.UnfinishedCount > 0
	return p, nil
}

// howFar says how many of a file's bytes are there.
func howFar(uploaded, size int64) string {
	return dossier.FormatBytes(uploaded) + " of " + dossier.FormatBytes(size) + " uploaded"
}

// unfinishedOf returns an unfinished file for a page: moves, where it is being sent; far is how far it is, empty where
// nobody knows.
func unfinishedOf(f dossier.File, moves bool, far string) fileView {
	v := fileView{ID: f.ID, Name: f.Name, Folder: shownFolder(f.Folder), State: string(f.State), HowFar: far,
		At: momentOf(f.CreatedAt)}
	switch {
	case moves && far != "":
		v.State, v.Why = stateSending, "Being sent: "+far+"."
	case moves:
		v.State, v.Why = stateSending, "Being sent."
	case far != "":
		v.Why = far + ". Choose this file again to continue."
	default:
		v.Why = "It did not arrive completely. Send it again."
	}
	return v
}
