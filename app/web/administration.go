package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// Setting is a setting as it is in force on the instance that answers.
type Setting struct {
	// Name is its variable, Value what it is set to (never a secret), Source where that came from, Meaning what it is.
	Name, Value, Source, Meaning string
	// Default reports that it was not set.
	Default bool
}

// administrationView is what administrators see of the site and of the instance that answers (administration.html).
type administrationView struct {
	page
	Version string
	// Started is when the instance started.
	Started moment
	// Down are the stores that do not answer, Full the bounds that are reached, as words; empty where there are none.
	Down, Full string
	Space      spaceView
	// Running are the changes of many people that run.
	Running []jobView
	// Stored is how many records there were when all were counted last, and Budget how much is used of what the store
	// may hold; empty where that is not known.
	Stored, Budget string
	// Compared is when records and objects were compared last, Read when all stored files had been read last; none if
	// never. Found is what the reading found.
	Compared, Read moment
	Found          string
	// Attention counts what somebody has to see to, on the page about storage.
	Attention int
	// Unfinished are the oldest uploads that are not finished, as many as the page names; UnfinishedCount is how many
	// there are of all, as a number with its noun.
	Unfinished      []unfinishedView
	UnfinishedCount string
	// Chosen are the settings that were set, Others those that are at their defaults.
	Chosen, Others []Setting
}

// unfinishedView is an upload that is not finished.
type unfinishedView struct {
	Name, Person string
	// Path is that of its person's page.
	Path string
	// Began is when it was announced, and Moved when it made progress last.
	Began, Moved moment
}

// mostUnfinished is how many unfinished uploads are counted: more are told as more.
const mostUnfinished = 1000

// administration shows what the site and this instance are like.
func (s *Server) administration(c echo.Context) error {
	ctx := c.Request().Context()
	kept, err := s.svc.Custody(ctx)
	if err != nil {
		return err
	}
	v := administrationView{page: s.page(c, "Administration"), Version: s.o.Version, Started: momentOf(s.started),
		Full: strings.Join(s.full(), ", "), Budget: budgetText(kept.Budget)}
	v.Down = strings.Join(s.down(c), ", ")
	v.Space, v.Running = s.space(c, v.page), s.runningJobs(c)
	if sweep := kept.Sweep; sweep != nil {
		v.Compared, v.Stored = momentOf(sweep.At), counted(sweep.Files, "file")+", "+dossier.FormatBytes(sweep.Bytes)
		v.Attention += sweep.Held
	}
	if pass := kept.Scrub.Last; pass != nil {
		read := passOf(*pass, pass.EndedAt)
		v.Read, v.Found = read.At, read.Found
	}
	v.Attention += kept.DamagedFiles + kept.Scan.InfectedFiles + kept.Scan.FailedFiles
	if err := s.unfinished(c, &v); err != nil {
		return err
	}
	for _, one := range s.o.Settings {
		one.Meaning = strings.ReplaceAll(one.Meaning, "`", "") // Markdown's code spans
		if one.Default {
			v.Others = append(v.Others, one)
		} else {
			v.Chosen = append(v.Chosen, one)
		}
	}
	return s.render(c, http.StatusOK, "administration", v)
}

// unfinished shows the uploads that are not finished.
func (s *Server) unfinished(c echo.Context, v *administrationView) error {
	files, more, err := s.svc.AllUnfinished(c.Request().Context(), mostUnfinished)
	if err != nil {
		return err
	}
	v.UnfinishedCount = counted(len(files), "unfinished upload")
	if more {
		v.UnfinishedCount = "More than " + v.UnfinishedCount
	}
	slices.SortFunc(files, func(a, b dossier.File) int {
		return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	for _, f := range files[:min(len(files), shownUnfinished)] {
		v.Unfinished = append(v.Unfinished, unfinishedView{Name: f.Name, Person: f.Author, Path: personPath(f.Person),
			Began: momentOf(f.CreatedAt), Moved: momentOf(f.UpdatedAt)})
	}
	return nil
}
