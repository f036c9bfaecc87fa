package web

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// handful holds small files of one form that came one after the other, so that the service adds them together. It holds
// at most bounds.FormHandful bytes. Where all forms together hold bounds.Handfuls, a file is added alone, which costs
// more requests to the stores and no memory; so nobody waits for those who send slowly.
type handful struct {
	s     *Server
	files []dossier.SmallFile
	bytes int64
}

// handfuls counts what all forms hold.
type handfuls struct{ bytes atomic.Int64 }

// take reads a file to its end. A small one is held, if there is room; others are sent to the service, after those that
// are held. stop and err are those of taking.files.
func (h *handful) take(ctx context.Context, sub *dossier.Submission, file *filePart) (stop, err error) {
	data, rest, err := dossier.ReadSmall(file)
	if err != nil {
		return nil, err
	}
	if rest == nil {
		if fault := file.close(); fault != nil {
			return nil, fault
		}
		return h.hold(ctx, sub, dossier.SmallFile{Path: file.name, Data: data})
	}
	if stop, err := h.addBefore(ctx, sub, file.name); stop != nil || err != nil {
		return stop, err
	}
	err = sub.AddFile(ctx, file.name, rest)
	if fault := file.close(); fault != nil {
		return nil, fault
	}
	return ending(err)
}

// hold keeps a file for later, or adds it at once. Its name counts too: it may be longer than the file. It is copied,
// because it may be a part of a longer header.
func (h *handful) hold(ctx context.Context, sub *dossier.Submission, file dossier.SmallFile) (stop, err error) {
	file.Path = strings.Clone(file.Path)
	size := int64(len(file.Data) + len(file.Path))
	if h.bytes+size > bounds.FormHandful {
		if stop, err := h.addBefore(ctx, sub, file.Path); stop != nil || err != nil {
			return stop, err
		}
	}
	if h.s.handfuls.bytes.Add(size) > bounds.Handfuls {
		h.s.handfuls.bytes.Add(-size)
		if stop, err := h.addBefore(ctx, sub, file.Path); stop != nil || err != nil {
			return stop, err
		}
		return ending(sub.AddFiles(ctx, file))
	}
	h.files, h.bytes = append(h.files, file), h.bytes+size
	return nil, nil
}

// add sends what is held to the service.
func (h *handful) add(ctx context.Context, sub *dossier.Submission) (stop, err error) {
	defer h.drop()
	if len(h.files) == 0 {
		return nil, nil
	}
	return ending(sub.AddFiles(ctx, h.files...))
}

// addBefore is add before another file. If that is not taken any more, the submitter is told so by its name.
func (h *handful) addBefore(ctx context.Context, sub *dossier.Submission, name string) (stop, err error) {
	if stop, err = h.add(ctx, sub); stop != nil {
		sub.Refuse(name, notTaken(stop))
	}
	return stop, err
}

// drop lets go of what is held.
func (h *handful) drop() {
	h.s.handfuls.bytes.Add(-h.bytes)
	h.files, h.bytes = nil, 0
}

// ending sorts an error of the service: after stop, what arrived before may still be acknowledged.
func ending(fault error) (stop, err error) {
	if errors.Is(fault, dossier.ErrUnavailable) || errors.Is(fault, dossier.ErrFull) {
		return fault, nil
	}
	return nil, fault
}
