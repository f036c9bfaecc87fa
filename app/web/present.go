package web

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app"
)

// What the domain's values look like on a page.

// maxPicture is the largest picture shown in a page, in bytes; larger ones are downloaded.
const maxPicture = 20 << 20

// personOf returns a person as the submitter sees it.
func personOf(p dossier.Person) personView {
	v := personView{
		ID: p.ID.String(), Name: p.Name, Location: p.Location, Technology: p.Technology, Age: p.Age,
		Deleting: p.State == dossier.PersonDeleting,
	}
	v.Time, v.TimeISO = times(p.CreatedAt)
	return v
}

// personForStaff adds the ways that staff have.
func personForStaff(p dossier.Person) personView {
	v := personOf(p)
	v.Path = personPath(p.ID)
	v.Delete = v.Path + "/delete"
	return v
}

func personPath(id dossier.PersonID) string { return "/people/" + id.String() }

// fileOf returns a file's record. Its files lie under base: the path of a person or of a receipt.
func fileOf(f dossier.File, base string) fileView {
	v := fileView{Name: f.Name, State: string(f.State)}
	v.Time, v.TimeISO = times(f.CreatedAt)
	if f.Content != nil {
		v.Type = f.Content.Type
		v.Size = dossier.FormatBytes(f.Content.Size)
		v.Bytes = counted(f.Content.Size, "byte")
		v.SHA256 = hex.EncodeToString(f.Content.SHA256[:])
	}
	if f.State == dossier.FileStored {
		v.Download = filePath(base, f.ID)
	}
	return v
}

// fileForStaff adds the ways that staff have.
func fileForStaff(f dossier.File) fileView {
	base := personPath(f.Person)
	v := fileOf(f, base)
	if f.State != dossier.FileStored {
		return v
	}
	v.Delete = filePath(base, f.ID) + "/delete"
	if isPicture(f) && f.Content.Size <= maxPicture {
		v.Picture = filePath(base, f.ID) + "/picture"
	}
	return v
}

func filePath(base string, id dossier.FileID) string { return base + "/files/" + id.String() }

// outcomeOf returns what became of a file of a submission; base is the receipt's path.
func outcomeOf(o dossier.Outcome, base string) fileView {
	if o.Err == nil && o.File != nil {
		return fileOf(*o.File, base)
	}
	v := fileView{Name: o.Name, State: "refused", Why: "Was not stored. Send it again."}
	if o.Err == nil {
		return v
	}
	switch _, message := codeOf(o.Err); {
	case message != "":
		v.Why = message
	case o.Err.Code == dossier.CodeUnavailable:
		v.Why = "Was not stored, because the storage did not answer. Send it again."
	}
	return v
}

// total returns a number and size of files.
func total(q dossier.Quota) string {
	return counted(q.Files, "file") + ", " + dossier.FormatBytes(q.Bytes)
}

// counted returns "1 file", "1,234 files".
func counted[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", humanize.Comma(int64(n)), noun)
}

// times returns a time for people and for machines.
func times(t time.Time) (human, iso string) {
	t = t.UTC()
	return t.Format("2 Jan 2006, 15:04 UTC"), t.Format(time.RFC3339)
}

// baseType returns a media type without its parameters.
func baseType(mediaType string) string {
	base, _, _ := strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(base))
}
