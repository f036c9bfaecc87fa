package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// custodyView tells staff how well everything is kept, and what was found in it (custody.html).
type custodyView struct {
	page
	// Damaged are the files that are known to be damaged, as many as the page lists; More tells that there are others.
	Damaged []damagedView
	More    bool
	// Scanned: files are checked for malware. Waiting and Failed are how many are not checked yet and could not be,
	// each as a number with its noun, and WaitingSince is when the oldest was stored; none where none waits.
	Scanned, AnyFailed bool
	Waiting, Failed    string
	WaitingSince       moment
	// Infected are files in which malware was found, MoreInfected tells that there are others, and Removed is how long
	// they stay; empty: for ever.
	Infected     []damagedView
	MoreInfected bool
	Removed      string
	// Reading is the pass over all stored files that runs, and Read the last that ended; nil where there is none.
	Reading, Read *passView
	// Left is about how much is left to read in the pass that runs.
	Left string
	// Budget is how much is used of what the store may hold; empty where nothing bounds that.
	Budget string
	// Compared is when all records were compared with all objects last; none when they never were.
	Compared moment
	// Files is how many records there were, Ownerless how much of all had no owner, and Held how many removals are held
	// back, each as a number with its noun; HeldNumber is the last as a bare number, for the command.
	Files, Ownerless, Held string
	HeldNumber             int
}

// damagedView is one file that is damaged, or in which malware was found.
type damagedView struct {
	Name, Person string
	// Path is that of the page of the file's person.
	Path string
	// What is wrong, for people.
	What string
	// At is when it was found.
	At moment
}

// passView is one pass over all stored files.
type passView struct {
	Files, Size, Found string
	At                 moment // when it began, or ended if it has
	Unread             string // empty where everything could be read
}

// budgetText says how much of the budget is used.
func budgetText(b *dossier.BudgetStatus) string {
	if b == nil {
		return ""
	}
	bytes, files := dossier.FormatBytes(b.Bytes), counted(int(b.Files), "file")
	if b.MostBytes > 0 {
		bytes += " of " + dossier.FormatBytes(b.MostBytes)
	}
	if b.MostFiles > 0 {
		files = strconv.FormatInt(b.Files, 10) + " of " + counted(int(b.MostFiles), "file")
	}
	return fmt.Sprintf("%s, in %s: %d %%", bytes, files, b.Percent)
}

// custody shows how well everything is kept.
func (s *Server) custody(c echo.Context) error {
	kept, err := s.svc.Custody(c.Request().Context())
	if err != nil {
		return err
	}
	v := custodyView{page: s.page(c, "Storage"), More: kept.More, Left: dossier.FormatBytes(kept.Scrub.BytesLeft)}
	v.Budget = budgetText(kept.Budget)
	for i, f := range kept.Damaged {
		if v.More = v.More || i == filesPerPage; i == filesPerPage {
			break
		}
		what := "Its bytes changed"
		if f.Damage.Kind == dossier.ObjectMissing {
			what = "Its bytes are missing"
		}
		v.Damaged = append(v.Damaged, foundOf(f, what, f.Damage.FoundAt))
	}
	s.scanned(kept.Scan, &v)
	if p := kept.Scrub.Current; p != nil {
		v.Reading = passOf(*p, p.StartedAt)
	}
	if p := kept.Scrub.Last; p != nil {
		v.Read = passOf(*p, p.EndedAt)
	}
	if sweep := kept.Sweep; sweep != nil {
		v.Compared = momentOf(sweep.At)
		v.Files, v.Ownerless = counted(sweep.Files, "file"), counted(sweep.Ownerless, "item")
		if v.HeldNumber = sweep.Held; sweep.Held > 0 {
			v.Held = counted(sweep.Held, "item")
		}
	}
	return s.render(c, http.StatusOK, "custody", v)
}

// foundOf returns a file in which something was found.
func foundOf(f dossier.File, what string, at time.Time) damagedView {
	return damagedView{Name: f.Name, Person: f.Author, Path: personPath(f.Person), What: what, At: momentOf(at)}
}

// scanned shows what is known from a scanner for malware.
func (s *Server) scanned(scan dossier.ScanStatus, v *custodyView) {
	most := func(n int) string {
		if n == dossier.MaxDamaged {
			return counted(n, "file") + " or more"
		}
		return counted(n, "file")
	}
	v.Scanned, v.Waiting, v.Failed = scan.Scanned, most(scan.WaitingFiles), most(scan.FailedFiles)
	v.AnyFailed = scan.FailedFiles > 0
	v.WaitingSince = momentOf(scan.WaitingSince)
	if days := int(s.o.KeepInfected.Hours() / 24); days > 0 {
		v.Removed = counted(days, "day")
	} else if s.o.KeepInfected > 0 {
		v.Removed = s.o.KeepInfected.String()
	}
	v.MoreInfected = scan.More
	for i, f := range scan.Infected {
		if v.MoreInfected = v.MoreInfected || i == filesPerPage; i == filesPerPage {
			break
		}
		what := f.Scan.Detail
		if what == "" {
			what = "Malware"
		}
		v.Infected = append(v.Infected, foundOf(f, what, f.Scan.At))
	}
}

func passOf(p dossier.ScrubPass, at time.Time) *passView {
	v := &passView{Files: counted(p.Files, "file"), Size: dossier.FormatBytes(p.Bytes), Found: "no damage found",
		At: momentOf(at)}
	if p.Found > 0 {
		v.Found = counted(p.Found, "damaged file") + " found"
	}
	if p.Unread > 0 {
		v.Unread = counted(p.Unread, "file")
	}
	return v
}
