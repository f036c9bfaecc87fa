// Package people keeps the persons, and the accounts and sessions of staff, in tables: in MySQL or MariaDB, or in an
// SQLite file where everything is embedded. One code path serves both, through gorm; only opening (mysql.go, sqlite.go)
// and the reading of errors differ.
//
// Only the program that wires the application may import it; all others know it as dossier.People and staff.Store. The
// schema is written by package migrations alone.
package people

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"dossier.example/app"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// Store is a dossier.People and a staff.Store over one SQL database. Every call has a deadline: the store's own time
// limit, or that of its context where that is nearer.
type Store struct {
	gorm *gorm.DB
	db   *sql.DB
	// timeout bounds one call, and one page of Leftovers.
	timeout time.Duration
	server  server
	// writing holds a token while a write runs, where the database takes one writer at a time: waiting here is fair and
	// ends with the context, waiting in SQLite is neither. Nil where any number may write.
	writing chan struct{}
	bounds  searchBounds
}

var _ dossier.People = (*Store)(nil)

// server is what databases differ in beside their SQL.
type server interface {
	// judge says what a call's error means. The error that it returns holds no detail of a person.
	judge(err error) (verdict, error)
	// changeWithWords makes an update of a person's row and, if it changed that, adds words to the person's: all of it
	// or nothing.
	changeWithWords(ctx context.Context, db *gorm.DB, id dossier.PersonID, words []string, update string,
		args ...any) (changed bool, err error)
	// close closes what the server has beside the store's connections.
	close() error
}

type verdict int

const (
	fault  verdict = iota // of the program, or of the data
	taken                 // the primary key is there
	outage                // the database is down, refuses, is full or too slow
	again                 // nothing was done, and at once it may succeed
)

func newStore(db *sql.DB, dialector gorm.Dialector, timeout time.Duration, s server) (*Store, error) {
	g, err := gorm.Open(dialector, &gorm.Config{
		// gorm logs statements with their values, which are people's details.
		Logger: logger.Discard,
		// Each write is one statement.
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
	})
	if err != nil {
		return nil, err
	}
	return &Store{gorm: g, db: db, timeout: timeout, server: s, bounds: defaultBounds}, nil
}

// Close closes the connections. Calls that still run fail.
func (s *Store) Close() error { return errors.Join(s.server.close(), s.db.Close()) }

// DB returns the pool of connections, for migrations.
func (s *Store) DB() *sql.DB { return s.db }

// Ping makes sure that the table can be read. ErrUnavailable otherwise.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, "reaching the people's table", func(tx *gorm.DB) error {
		var ids []string
		return tx.Model(&row{}).Limit(1).Pluck("id", &ids).Error
	})
}

// nameKeyLength is the width of column name_key in code points. Longer keys are cut, so a longer prefix is compared
// here.
const nameKeyLength = 400

// row is a row of table people. No field is named as those that gorm fills by itself.
type row struct {
	ID string `gorm:"column:id;primaryKey"`
	// Details has a column for each field, of the field's name in lower case.
	Details     dossier.Details `gorm:"embedded"`
	ReceiptHash string          `gorm:"column:receipt_hash"`
	Expires     int64           `gorm:"column:receipt_expires_at"`
	State       string          `gorm:"column:state"`
	// NameKey is what a former release, which may still serve during a rollout, searches by.
	NameKey string `gorm:"column:name_key"`
	// TrashedAt and TrashedBy are those of dossier.Trash; 0 for a person who is not in the trash.
	TrashedAt int64  `gorm:"column:trashed_at"`
	TrashedBy string `gorm:"column:trashed_by"`
	// WordsVersion and WordsRevision are those of dossier.Worded. Of what is inserted there are no words yet.
	WordsVersion  int   `gorm:"column:words_version"`
	WordsRevision int64 `gorm:"column:words_revision"`
	Created       int64 `gorm:"column:created_at"`
	Updated       int64 `gorm:"column:updated_at"`
}

// TableName implements gorm's schema.Tabler.
func (row) TableName() string { return "people" }

// useIndex names the index of people by which MySQL is to read. All of them begin with the state, and where most people
// come after the place that a list is read from, MySQL would take one that cannot begin there, and look up everybody
// before it. To SQLite and MariaDB 10.11 it is a comment.
type useIndex string

// ModifyStatement implements gorm.StatementModifier.
func (i useIndex) ModifyStatement(stmt *gorm.Statement) {
	c := stmt.Clauses["SELECT"]
	c.AfterNameExpression = i
	stmt.Clauses["SELECT"] = c
}

// Build implements clause.Expression.
func (i useIndex) Build(b clause.Builder) {
	_, _ = b.WriteString("/*+ INDEX(people " + string(i) + ") */")
}

func rowOf(p dossier.Person) row {
	return row{
		ID:          p.ID.String(),
		Details:     p.Details,
		ReceiptHash: hex.EncodeToString(p.ReceiptHash[:]),
		Expires:     expiresAt(p.ReceiptExpires),
		State:       string(p.State),
		NameKey:     dossier.FirstCodePoints(dossier.SearchKey(p.Name), nameKeyLength),
		Created:     p.CreatedAt.UnixMicro(),
		Updated:     p.UpdatedAt.UnixMicro(),
	}
}

// expiresAt returns a time as column receipt_expires_at has it.
func expiresAt(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (r row) person() (dossier.Person, error) {
	id, err := dossier.ParsePersonID(r.ID)
	if err != nil {
		return dossier.Person{}, errors.New("a row has an invalid person ID")
	}
	p := dossier.Person{
		ID:        id,
		Details:   r.Details,
		State:     dossier.PersonState(r.State),
		CreatedAt: time.UnixMicro(r.Created).UTC(),
		UpdatedAt: time.UnixMicro(r.Updated).UTC(),
	}
	if r.TrashedAt != 0 {
		p.Trash = dossier.Trash{At: time.UnixMicro(r.TrashedAt).UTC(), By: r.TrashedBy}
	}
	if r.Expires != 0 {
		p.ReceiptExpires = time.UnixMicro(r.Expires).UTC()
	}
	if n, err := hex.Decode(p.ReceiptHash[:], []byte(r.ReceiptHash[:min(len(r.ReceiptHash), 64)])); err != nil ||
		n != len(p.ReceiptHash) {
		return dossier.Person{}, fmt.Errorf("person %s: the row's receipt hash is damaged", id)
	}
	return p, nil
}

// Insert implements dossier.People.
func (s *Store) Insert(ctx context.Context, p dossier.Person) error {
	r := rowOf(p)
	return s.write(ctx, "adding a person", func(tx *gorm.DB) error { return tx.Create(&r).Error })
}

// Person implements dossier.People.
func (s *Store) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	r, err := s.row(ctx, id)
	if err != nil {
		return dossier.Person{}, err
	}
	return r.person()
}

// row reads the row of a person; ErrNotFound.
func (s *Store) row(ctx context.Context, id dossier.PersonID) (row, error) {
	var rows []row
	err := s.do(ctx, "reading a person", func(tx *gorm.DB) error {
		return tx.Where("id = ?", id.String()).Limit(1).Find(&rows).Error
	})
	if err == nil && len(rows) == 0 {
		err = dossier.ErrNotFound
	}
	if err != nil {
		return row{}, err
	}
	return rows[0], nil
}

// Move implements dossier.People.
func (s *Store) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time,
	from ...dossier.PersonState) error {
	for {
		var moved int64
		change := func(tx *gorm.DB) error {
			done := tx.Model(&row{}).Where("id = ? AND state IN ?", id.String(), from).
				Updates(map[string]any{"state": string(to), "updated_at": at.UnixMicro()})
			moved = done.RowsAffected
			if done.Error != nil || moved == 0 || to != dossier.PersonDeleting {
				return done.Error
			}
			return deleteWords(tx, id)
		}
		write := s.write
		if to == dossier.PersonDeleting {
			write = s.transact
		}
		err := write(ctx, "changing a person's state", change)
		if err != nil || moved > 0 {
			return err
		}
		found, err := s.Person(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(from, found.State) {
			return dossier.ErrLost
		}
		// It came into the state after the change had missed it: inserted by another instance just now.
	}
}

// SetReceipt implements dossier.People.
func (s *Store) SetReceipt(ctx context.Context, id dossier.PersonID, from, to [32]byte, expires time.Time) error {
	return s.changeWhere(ctx, "changing a person's receipt", id,
		map[string]any{"receipt_hash": hex.EncodeToString(to[:]), "receipt_expires_at": expiresAt(expires)},
		"receipt_hash = ?", hex.EncodeToString(from[:]))
}

// changeWhere changes the row of a person of whom a condition holds.
func (s *Store) changeWhere(ctx context.Context, doing string, id dossier.PersonID, change map[string]any,
	condition string, args ...any) error {
	var changed int64
	err := s.write(ctx, doing, func(tx *gorm.DB) error {
		done := tx.Model(&row{}).Where("id = ?", id.String()).Where(condition, args...).Updates(change)
		changed = done.RowsAffected
		return done.Error
	})
	if err != nil || changed > 0 {
		return err
	}
	if _, err := s.Person(ctx, id); err != nil {
		return err
	}
	return dossier.ErrLost
}

// Delete implements dossier.People.
func (s *Store) Delete(ctx context.Context, p dossier.Person) error {
	id := p.ID
	var deleted int64
	err := s.transact(ctx, "deleting a person", func(tx *gorm.DB) error {
		done := tx.Where("id = ? AND state = ? AND created_at = ?", id.String(), string(dossier.PersonDeleting),
			p.CreatedAt.UnixMicro()).Delete(&row{})
		deleted = done.RowsAffected
		if done.Error != nil || deleted == 0 {
			return done.Error
		}
		return deleteWords(tx, id) // a former release may have left some
	})
	if err != nil || deleted > 0 {
		return err
	}
	there, err := s.Existing(ctx, []dossier.PersonID{id})
	if err == nil && there[id] {
		return dossier.ErrLost
	}
	return err
}

// leftoversPage is how many rows Leftovers reads at once.
const leftoversPage = 100

// Leftovers implements dossier.People. Each page has a deadline of its own, so a loop may take as long as it likes.
// After an error of the database nothing more comes; a damaged row is an error of its own and does not hide those
// behind it.
func (s *Store) Leftovers(ctx context.Context, before time.Time) iter.Seq2[dossier.Person, error] {
	return func(yield func(dossier.Person, error) bool) {
		// Those deleting first: what the loop's body moves from one state to the other then comes once.
		for _, state := range []dossier.PersonState{dossier.PersonDeleting, dossier.PersonSubmitting} {
			for after := ""; ; {
				var rows []row
				err := s.do(ctx, "looking for leftover people", func(tx *gorm.DB) error {
					return leftovers(tx, state, before, after).Find(&rows).Error
				})
				if err != nil {
					yield(dossier.Person{}, err)
					return
				}
				for _, r := range rows {
					p, err := r.person()
					if !yield(p, err) {
						return
					}
					after = r.ID
				}
				if len(rows) < leftoversPage {
					break
				}
			}
		}
	}
}

// leftovers is the query of Leftovers.
func leftovers(tx *gorm.DB, state dossier.PersonState, before time.Time, after string) *gorm.DB {
	tx = tx.Clauses(useIndex("people_leftovers")).Where("state = ?", string(state))
	if after != "" {
		tx = tx.Where("id > ?", after)
	}
	if state == dossier.PersonSubmitting {
		tx = tx.Where("updated_at < ?", before.UnixMicro())
	}
	return tx.Order("id").Limit(leftoversPage)
}

// Existing implements dossier.People.
func (s *Store) Existing(ctx context.Context, ids []dossier.PersonID) (map[dossier.PersonID]bool, error) {
	there := make(map[dossier.PersonID]bool, len(ids))
	if len(ids) == 0 {
		return there, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	var found []string
	err := s.do(ctx, "looking for people", func(tx *gorm.DB) error {
		return tx.Model(&row{}).Where("id IN ?", texts).Pluck("id", &found).Error
	})
	if err != nil {
		return nil, err
	}
	for _, text := range found {
		id, err := dossier.ParsePersonID(text)
		if err != nil {
			return nil, errors.New("looking for people: a row has an invalid person ID")
		}
		there[id] = true
	}
	return there, nil
}

// write is do for a statement that changes something.
func (s *Store) write(ctx context.Context, doing string, call func(*gorm.DB) error) error {
	if s.writing == nil {
		return s.do(ctx, doing, call)
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
		return s.do(bounded, doing, call)
	case <-bounded.Done():
		return dossier.Unavailable(ctx, doing, fmt.Errorf("waiting for other writes: %w", bounded.Err()))
	}
}

// do makes one call to the database, bounded in time, and returns its error in the domain's terms.
func (s *Store) do(ctx context.Context, doing string, call func(*gorm.DB) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var last error
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := call(s.gorm.WithContext(bounded))
		// Looked at also after success: SQLite's driver reports success for a statement that it did not begin because
		// the context had ended.
		if ended := bounded.Err(); ended != nil {
			if last != nil {
				ended = fmt.Errorf("%w after %w", ended, last)
			}
			return dossier.Unavailable(ctx, doing, ended)
		}
		if err == nil {
			return nil
		}
		what, err := s.server.judge(err)
		switch what {
		case taken:
			return dossier.ErrExists
		case outage:
			return dossier.Unavailable(ctx, doing, err)
		case fault:
			return fmt.Errorf("%s: %w", doing, err)
		}
		last = err
		select {
		case <-bounded.Done():
		case <-time.After(pause):
		}
	}
}
