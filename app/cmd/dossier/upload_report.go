package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"dossier.example/app"
	"dossier.example/app/upload"
)

// uploadReport shows a run: progress and faults on stderr, the outcome on stdout.
type uploadReport struct {
	progress
	stdout io.Writer
	flags  uploadFlags
	// broken is why stdout cannot be written.
	broken error
}

// print writes a line on stdout, but none after one that failed: part of that one may have been written.
func (r *uploadReport) print(line []byte) error {
	if r.broken != nil {
		return r.broken
	}
	if _, err := r.stdout.Write(append(line, '\n')); err != nil {
		r.broken = fmt.Errorf("standard output cannot be written: %w", err)
	}
	return r.broken
}

// printJSON prints a value as a line.
func (r *uploadReport) printJSON(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write a JSON line: %w", err)
	}
	return r.print(line)
}

// flush has what was printed on the disk, where it goes to a file. A full disk may be told only then.
func (r *uploadReport) flush() error {
	f, ok := fileOf(r.stdout)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.Sync()
	}
	if err != nil {
		r.broken = fmt.Errorf("standard output cannot be written: %w", err)
	}
	return r.broken
}

// isClosed reports whether a standard descriptor was closed when the program began. The runtime of Go opens the null
// device in its place, for reading and writing. From one that was opened by >/dev/null nothing can be read.
func isClosed(w io.Writer) bool {
	f, ok := fileOf(w)
	if !ok {
		return false
	}
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Is(err, syscall.EBADF)
	}
	if !os.SameFile(null, info) {
		return false
	}
	_, err = f.Read(make([]byte, 1))
	return err == io.EOF
}

// fileOf returns the file that w writes to, if it is one.
func fileOf(w io.Writer) (*os.File, bool) {
	if out, ok := w.(*printed); ok {
		w = out.to
	}
	f, ok := w.(*os.File)
	return f, ok
}

// ended reports what became of a file.
func (r *uploadReport) ended(f upload.Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flags.json {
		out := uploadedFile{Type: "file", Path: f.Source.Path, Folder: f.Source.Folder,
			Name: f.Source.Name, Size: f.Source.Size,
			State: "failed", Sent: f.Sent, Error: faultOf(f.Err)}
		if f.Err == nil {
			out.State, out.ID, out.Size, out.SHA256, out.CRC64 = "stored", f.File.ID, *f.File.Size,
				f.File.Content.Sha256, f.File.Content.Crc64Nvme
		}
		return r.printJSON(out)
	}
	if f.Err != nil {
		r.line("not stored: %s: %v", f.Source.Path, f.Err)
	}
	return nil
}

// end reports how the run ended, and prints the receipt's link. An error means that not all of that was written.
func (r *uploadReport) end(s upload.Summary, status int, err error) error {
	if r.flags.json {
		state := map[int]string{exitOK: "complete", exitFailed: "incomplete", exitUsage: "refused",
			exitInterrupted: "interrupted"}[status]
		if err := r.printJSON(uploadSummary{
			Type: "summary", State: state, Stored: s.Stored, Failed: s.Failed, Left: s.Left, StoredBytes: s.StoredBytes,
			SentBytes: s.SentBytes, Resumed: s.Resumed, Person: s.Person, ReceiptURL: s.Link, Error: faultOf(err),
		}); err != nil {
			return err
		}
		return r.flush()
	}
	if all := s.Stored + s.Failed + s.Left; all > 0 {
		are := "files are"
		if all == 1 {
			are = "file is"
		}
		r.say("%d of %d %s stored (%s); %s sent in this run", s.Stored, all, are,
			dossier.FormatBytes(s.StoredBytes), dossier.FormatBytes(s.SentBytes))
	}
	if s.Link == "" {
		return nil
	}
	if err := r.print([]byte(s.Link)); err != nil {
		return err
	}
	return r.flush()
}

// The JSON lines, as the help describes them.
type (
	uploadedFile struct {
		Type   string       `json:"type"`
		Path   string       `json:"path"`
		Folder string       `json:"folder,omitempty"`
		Name   string       `json:"name"`
		Size   int64        `json:"size"`
		State  string       `json:"state"`
		ID     string       `json:"id,omitempty"`
		SHA256 string       `json:"sha256,omitempty"`
		CRC64  string       `json:"crc64nvme,omitempty"`
		Sent   int64        `json:"sent"`
		Error  *uploadFault `json:"error,omitempty"`
	}
	uploadSummary struct {
		Type        string       `json:"type"`
		State       string       `json:"state"`
		Stored      int          `json:"stored"`
		Failed      int          `json:"failed"`
		Left        int          `json:"left"`
		StoredBytes int64        `json:"stored_bytes"`
		SentBytes   int64        `json:"sent_bytes"`
		Resumed     bool         `json:"resumed"`
		Person      string       `json:"person,omitempty"`
		ReceiptURL  string       `json:"receipt_url,omitempty"`
		Error       *uploadFault `json:"error,omitempty"`
	}
	uploadFault struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
)

func faultOf(err error) *uploadFault {
	code := upload.Code(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errInterrupted):
		code = "interrupted"
	case code == "":
		code = "failed"
	}
	return &uploadFault{code, err.Error()}
}
