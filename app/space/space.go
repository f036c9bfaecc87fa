// Package space keeps room on the disk of the embedded stores, so that a full disk can be emptied again: deleting,
// reconciling, reading and signing in still work where whatever takes something new is refused.
//
// The reserve has two halves:
//
//   - Room that is left free. Before something new is taken, and while its bytes come, the free space of the disk is
//     looked at; below the reserve it is refused with dossier.ErrFull. So what strangers send never fills the disk.
//   - Ballast: files of random bytes, which no file system stores without their room. Another program may fill the disk
//     to its last byte; then what frees (Free, which People, Catalog and Objects call) gives a piece of the ballast
//     back and is repeated. Pieces, so that a program that keeps filling the disk gets them only one by one. Keep makes
//     them anew once there is room.
//
// Nothing is locked, and nothing is kept but the pieces: any number of processes may use one folder, and be killed at
// any moment. Pieces are only appended to and removed, so none ever has a hole, and the reserve counts what they have.
package space

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	dossier "dossier.example/app"
)

const (
	// Folder is the name of the folder in the data folder that has the ballast.
	Folder = "ballast"
	// Share of the disk that the reserve has at most: one in so many bytes.
	Share = 8

	pieces = 16
	// chunk is how much of a piece is written before the disk is looked at again.
	chunk = 256 << 10
	// LookEvery is for how long a look at the disk is believed. A look costs about as much as writing some KiB.
	LookEvery = 100 * time.Millisecond
	// Of what comes, so much may be written between two looks, over all that write at once, or one in so many bytes of
	// what is free beyond the reserve.
	lookEach  = 1 << 20
	lookShare = 64
	// tendEvery is the pause between two looks of Keep.
	tendEvery = 2 * time.Second
	// startRoom is what opening the stores may write: indexes of the databases' logs, probes, the staff's secret.
	// askedRoom is what is asked for where even that is lacking.
	startRoom = 256 << 10
	askedRoom = 2_000_000
	// spent is the free space below which a store that fails is believed to fail for lack of it, whatever it says:
	// SQLite calls it an I/O error where the index of its log cannot grow, by 32 KiB.
	spent = 64 << 10
	// Inodes are few on some disks. Below takingInodes nothing new is taken; below spentInodes files cannot be made.
	takingInodes = 256
	spentInodes  = 16
)

// disk is what the system says of a file system. Those without a table of inodes have none.
type disk struct{ total, free, inodes, freeInodes int64 }

func (d disk) short(inodes int64) bool { return d.inodes >= 16*takingInodes && d.freeInodes < inodes }

// Reserve is the reserve of one data folder. All methods are safe for concurrent use. A nil Reserve reserves nothing.
type Reserve struct {
	data, ballast string
	// size is the whole reserve, piece the part of one piece of ballast; both in bytes.
	size, piece int64

	mu sync.Mutex
	// seen is what the last look found, at is when, and taken what was written since.
	seen  disk
	held  int64
	at    time.Time
	taken int64
	// given counts the pieces that this process gave back.
	given int
}

// Open returns the reserve of a data folder: size bytes, or an eighth of its disk where that is less. Where the disk
// has too little room to open the stores, it gives back as much of the ballast as is needed for that.
func Open(data string, size int64) (*Reserve, error) {
	d, err := look(data)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the disk of the data folder %s: %w", data, err)
	}
	size = min(size, d.total/Share)
	r := &Reserve{data: data, ballast: filepath.Join(data, Folder), size: size, piece: size / 2 / pieces}
	for d.free < startRoom || d.short(spentInodes) {
		if !r.give(r.generation()) {
			break
		}
		if d, err = look(data); err != nil {
			return nil, fmt.Errorf("look at the disk of the data folder %s: %w", data, err)
		}
	}
	return r, nil
}

// Opening is Free for what opens the stores. Where they cannot be opened for lack of room, the error says what to do.
func (r *Reserve) Opening(ctx context.Context, do func() error) error {
	err := r.repeat(ctx, do)
	if r == nil || err == nil {
		return err
	}
	if d, lookErr := look(r.data); !IsFull(err) && (lookErr != nil || d.free >= spent && !d.short(spentInodes)) {
		return err
	}
	return fmt.Errorf("the disk of the data folder %s is full and the reserved space is used up: free %s on "+
		"that disk, outside the data folder, and start again: %w", r.data, dossier.FormatBytes(askedRoom), err)
}

// Fits reports whether so many bytes more may be taken: ErrFull.
func (r *Reserve) Fits(bytes int64) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fits(bytes)
}

// Take is Fits for bytes that are about to be written, which it counts.
func (r *Reserve) Take(bytes int64) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fits(bytes); err != nil {
		return err
	}
	r.taken += bytes
	return nil
}

func (r *Reserve) fits(bytes int64) error {
	fits := func() bool { return !r.seen.short(takingInodes) && r.seen.free+r.held-r.taken-bytes >= r.size }
	// What an old look allows may be gone, and what it refuses may have been freed.
	spare := r.seen.free + r.held - r.size
	if r.taken+bytes >= max(lookEach, spare/lookShare) || time.Since(r.at) >= LookEvery || !fits() {
		if err := r.refresh(); err != nil {
			return dossier.Unavailable(context.Background(), "look at the disk", err)
		}
	}
	if fits() {
		return nil
	}
	return dossier.Errorf(dossier.CodeFull,
		fmt.Errorf("%s are free on the disk of %s, %s of them reserved", dossier.FormatBytes(r.seen.free), r.data,
			dossier.FormatBytes(max(0, r.size-r.held))),
		"The site accepts no files right now because its storage is full. Stored files are safe. Try again "+
			"later.")
}

// refresh looks at the disk.
func (r *Reserve) refresh() (err error) {
	if r.seen, err = look(r.data); err != nil {
		return err
	}
	r.held, r.at, r.taken = 0, time.Now(), 0
	for i := range pieces {
		if info, err := os.Stat(r.name(i)); err == nil {
			r.held += info.Size()
		}
	}
	return nil
}

func (r *Reserve) name(i int) string { return filepath.Join(r.ballast, strconv.Itoa(i+1)) }

// Free runs what frees space, or marks something so that it will. Where it fails for lack of room it is run again with
// a piece of the ballast given back, for as long as there are pieces. What failed has changed nothing, or may be
// repeated.
func (r *Reserve) Free(ctx context.Context, do func() error) error {
	err := r.repeat(ctx, do)
	if r == nil || err == nil || ctx.Err() != nil || !r.lacked(err) {
		return err
	}
	return dossier.Errorf(dossier.CodeUnavailable, err,
		"The disk is full, and what is kept free for deleting is used up: whoever runs this site has to free some "+
			"space.")
}

func (r *Reserve) repeat(ctx context.Context, do func() error) error {
	if r == nil {
		return do()
	}
	for {
		before := r.generation()
		err := do()
		if err == nil || ctx.Err() != nil || !r.lacked(err) || !r.give(before) {
			return err
		}
	}
}

// lacked reports whether an error comes from a lack of room.
func (r *Reserve) lacked(err error) bool {
	if IsFull(err) {
		return true
	}
	if !errors.Is(err, dossier.ErrUnavailable) {
		return false
	}
	d, lookErr := look(r.data)
	return lookErr == nil && (d.free < spent || d.short(spentInodes))
}

// IsFull reports whether an error, of the system or of SQLite, says that a disk, or what a user may have of it, is
// full.
func IsFull(err error) bool {
	for _, of := range fullErrors {
		if errors.Is(err, of) {
			return true
		}
	}
	sqlite, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	return ok && sqlite.Code()&0xff == 13 // SQLITE_FULL (https://www.sqlite.org/rescode.html)
}

func (r *Reserve) generation() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.given
}

// give gives a piece of the ballast back, unless another call did since the generation: of many that fail at once one
// piece helps all. It reports whether there is more room than before.
func (r *Reserve) give(generation int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given != generation {
		return true
	}
	for i := pieces - 1; i >= 0; i-- {
		info, err := os.Stat(r.name(i))
		if err != nil || os.Remove(r.name(i)) != nil || info.Size() == 0 {
			continue // absent, or just given back by another process
		}
		syncFolder(r.ballast)
		r.given++
		r.at = time.Time{}
		return true
	}
	return false
}

// syncFolder has the room of what was removed freed now, on file systems that put it off. Where that fails, it is freed
// when the system sees fit.
func syncFolder(folder string) {
	if f, err := os.Open(folder); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// Ping reports whether something can still be deleted: ErrUnavailable where the disk is full and the ballast is used
// up.
func (r *Reserve) Ping(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	const doing = "look at the disk"
	if err := r.refresh(); err != nil {
		return dossier.Unavailable(ctx, doing, err)
	}
	if r.held == 0 && (r.seen.free < spent || r.seen.short(spentInodes)) {
		return dossier.Unavailable(ctx, doing,
			fmt.Errorf("the disk of %s is full and the reserved space is used up: free some space", r.data))
	}
	return nil
}

// Keep makes the ballast, and makes it anew after it was given back, until ctx ends. It logs when files are no longer
// taken, and when they are again.
func (r *Reserve) Keep(ctx context.Context, log *slog.Logger) {
	if r == nil {
		return
	}
	var told, failing bool
	var given int
	for {
		full, now, err := r.tend(ctx)
		state := slog.Group("disk", "folder", r.data, "free", now.seen.free, "ballast", now.held, "reserve", r.size)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			log.Warn("the disk reserve cannot be maintained", "err", err)
		case full && !told:
			log.Error("the disk is full: no files are accepted until space is freed", state)
		case !full && told:
			log.Info("the disk has space again: files are accepted", state)
		case now.given > given:
			log.Warn("part of the reserve was released so that something could be deleted", state)
		}
		told, failing, given = full, err != nil, now.given
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(float64(tendEvery) * (0.5 + rand.Float64()))):
		}
	}
}

// state is what Keep tells of a reserve.
type state struct {
	seen  disk
	held  int64
	given int
}

// tend makes what is missing of the ballast, out of what is free beyond half of the room that is left free: as ballast
// it is safe from other programs. It reports whether the disk is full, as far as files are taken.
func (r *Reserve) tend(ctx context.Context) (full bool, now state, err error) {
	if err := os.Mkdir(r.ballast, 0o700); err != nil && !errors.Is(err, os.ErrExist) && !IsFull(err) {
		return false, state{}, err
	}
	seed := [32]byte{}
	crand.Read(seed[:]) // never fails
	source := rand.NewChaCha8(seed)
	for i := range pieces {
		if err := r.fill(ctx, r.name(i), source); IsFull(err) || errors.Is(err, errNoRoom) {
			break
		} else if err != nil {
			return false, state{}, err
		}
	}
	return r.state()
}

func (r *Reserve) state() (full bool, now state, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refresh(); err != nil {
		return false, state{}, err
	}
	return r.fits(0) != nil, state{r.seen, r.held, r.given}, nil
}

// errNoRoom ends the making of ballast.
var errNoRoom = errors.New("no room for ballast")

// spare reports whether ballast may be made of what is free.
func (r *Reserve) spare(d disk) bool { return d.free >= r.size/4+chunk && !d.short(takingInodes) }

// fill appends to a piece until it is as large as it is to be. One that is much larger, of a larger reserve, is
// removed.
func (r *Reserve) fill(ctx context.Context, name string, source io.Reader) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.Size() > r.piece+pieces*chunk:
		return os.Remove(name)
	case err == nil && info.Size() >= r.piece:
		return nil
	}
	if d, err := look(r.data); err != nil {
		return err
	} else if !r.spare(d) {
		return errNoRoom
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // Sync says what is wrong
	for {
		// Another process may be at it too.
		info, err := f.Stat()
		if err != nil {
			return err
		}
		left := r.piece - info.Size()
		if left <= 0 {
			return f.Sync()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d, err := look(r.data); err != nil {
			return err
		} else if !r.spare(d) {
			return errNoRoom
		}
		if _, err := io.CopyN(f, source, min(left, chunk)); err != nil {
			return err
		}
	}
}
