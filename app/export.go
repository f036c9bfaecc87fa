package dossier

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
)

// The names in an export. The files are in a folder, so that none has the name of what is said about them.
const (
	exportIndex   = "Index.html"
	exportDetails = "Details.json"
	exportRecords = "Files.json"
	exportFolder  = "Files"
)

// exportedPerson is what is known of a person, beside the files.
type exportedPerson struct {
	ID             string            `json:"id"`
	Details        map[string]string `json:"details"`
	State          PersonState       `json:"state"`
	SubmittedAt    time.Time         `json:"submitted_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
	ReceiptExpires *time.Time        `json:"receipt_expires_at"`
	Files          int64             `json:"files_counted"`
	Bytes          int64             `json:"bytes_counted"`
	ExportedAt     time.Time         `json:"exported_at"`
}

// exportedFile is what is known of a file.
type exportedFile struct {
	ID     string `json:"id"`
	Folder string `json:"folder,omitempty"`
	Name   string `json:"name"`
	Author string `json:"author"`
	// State is that of the record, or "trash".
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Size      *int64    `json:"size,omitempty"`
	Type      string    `json:"type,omitempty"`
	SHA256    string    `json:"sha256,omitempty"`
	// BySender: the SHA-256 is what the sender computed.
	BySender bool       `json:"sha256_by_sender,omitempty"`
	CRC64    string     `json:"crc64nvme,omitempty"`
	Scan     ScanState  `json:"malware_scan,omitempty"`
	Damage   DamageKind `json:"damage,omitempty"`
	Deleted  *time.Time `json:"deleted_at,omitempty"`
	// InExport is where the file is in the archive; empty: it is not.
	InExport string `json:"in_export,omitempty"`
}

// Export returns everything that is known of a person, whom Person or ByReceipt returned, as one ZIP: the details and
// the records as JSON, an index to be read in a browser, and the stored files that to may have. It is written as an
// Archive is, whose memory it needs and about 1 KB more for each file, of which there are as many as the quota allows.
// Errors: those of Archive.
func (s *Service) Export(ctx context.Context, p Person, to Audience) (*Archive, error) {
	a, err := s.Archive(ctx, p.ID, to)
	if err != nil {
		return nil, err
	}
	in := make(map[FileID]string, len(a.entries))
	for i := range a.entries {
		a.entries[i].name = JoinPath(exportFolder, a.entries[i].name)
		in[a.entries[i].id] = a.entries[i].name
	}
	counted, err := s.Counted(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	about := exportedPerson{ID: p.ID.String(), Details: map[string]string{}, State: p.State, SubmittedAt: p.CreatedAt,
		UpdatedAt: p.UpdatedAt, Files: counted.Files, Bytes: counted.Bytes, ExportedAt: s.time()}
	for _, f := range Fields {
		about.Details[f.Name] = f.Of(p.Details)
	}
	if !p.ReceiptExpires.IsZero() {
		about.ReceiptExpires = &p.ReceiptExpires
	}
	files := []exportedFile{}
	for f, err := range allFiles(ctx, s.catalog, p.ID) {
		if err != nil {
			return nil, err
		}
		files = append(files, exported(f, in[f.ID]))
	}
	for name, of := range map[string]any{exportDetails: about, exportRecords: files} {
		text, err := json.MarshalIndent(of, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write %s of the export: %w", name, err)
		}
		a.texts = append(a.texts, s.text(name, append(text, '\n')))
	}
	var index bytes.Buffer
	if err := exportPage.Execute(&index, map[string]any{"Person": p, "About": about, "Files": files,
		"Fields": Fields, "Missing": a.missing != nil}); err != nil {
		return nil, fmt.Errorf("write the index of the export: %w", err)
	}
	a.texts = append(a.texts, s.text(exportIndex, index.Bytes()))
	return a, nil
}

func (s *Service) text(name string, data []byte) archivedText {
	return archivedText{zipEntry{name: name, size: int64(len(data)), at: s.time().Unix()}, data}
}

func exported(f File, in string) exportedFile {
	e := exportedFile{ID: f.ID.String(), Folder: f.Folder, Name: f.Name, Author: f.Author, State: string(f.State),
		CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, BySender: f.SHA256BySender(), InExport: in}
	if c := f.Content; c != nil {
		e.Size, e.Type, e.SHA256 = &c.Size, c.Type, hex.EncodeToString(c.SHA256[:])
		e.CRC64 = fmt.Sprintf("%016x", c.CRC64)
	}
	if f.Scan != nil {
		e.Scan = f.Scan.State
	}
	if f.Damage != nil {
		e.Damage = f.Damage.Kind
	}
	if f.Trash != (Trash{}) {
		e.State, e.Deleted = "trash", &f.Trash.At
	}
	return e
}

// exportPage is the index. It runs nothing and fetches nothing.
var exportPage = template.Must(template.New("").Funcs(template.FuncMap{
	"day":  func(t time.Time) string { return t.UTC().Format("January 2, 2006, 15:04 UTC") },
	"of":   func(f Field, p Person) string { return f.Of(p.Details) },
	"size": func(n *int64) string { return FormatBytes(*n) },
	"link": func(path string) string {
		parts := strings.Split(path, "/")
		for i := range parts {
			parts[i] = url.PathEscape(parts[i])
		}
		return "./" + strings.Join(parts, "/")
	},
}).Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Person.Name}}</title>
<style>
body { font-family: system-ui, sans-serif; line-height: 1.5; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; overflow-wrap: anywhere; }
code { font-size: 0.8rem; }
</style>
</head>
<body>
<h1><bdi>{{.Person.Name}}</bdi></h1>
<p>Everything that this site knew of this person on {{day .About.ExportedAt}}. The same is in Details.json and
Files.json, for programs.</p>
<h2>Details</h2>
<table>
{{- range .Fields}}
<tr><th scope="row">{{.Label}}</th><td><bdi>{{of . $.Person}}</bdi></td></tr>
{{- end}}
<tr><th scope="row">Submitted</th><td>{{day .About.SubmittedAt}}</td></tr>
<tr><th scope="row">Private link expires</th><td>{{with .About.ReceiptExpires}}{{day .}}{{else}}Never{{end}}</td></tr>
<tr><th scope="row">ID</th><td><code>{{.About.ID}}</code></td></tr>
</table>
<h2>Files</h2>
{{- if .Missing}}
<p>Some files are not in this export. “Missing files.txt” says why.</p>
{{- end}}
{{- if .Files}}
<table>
<tr><th scope="col">File</th><th scope="col">Size</th><th scope="col">Type</th><th scope="col">Arrived</th>
<th scope="col">State</th><th scope="col">SHA-256</th></tr>
{{- range .Files}}
<tr><td>{{if .InExport}}<a href="{{link .InExport}}"><bdi>{{with .Folder}}{{.}}/{{end}}{{.Name}}</bdi></a>
{{- else}}<bdi>{{with .Folder}}{{.}}/{{end}}{{.Name}}</bdi>{{end}}</td>
<td>{{with .Size}}{{size .}}{{end}}</td><td>{{.Type}}</td><td>{{day .CreatedAt}}</td>
<td>{{if eq .State "trash"}}deleted{{else}}{{.State}}{{end}}</td><td><code>{{.SHA256}}</code></td></tr>
{{- end}}
</table>
{{- else}}
<p>There are no files.</p>
{{- end}}
</body>
</html>
`))
