package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/migrations"
	"gorm.io/gorm"
)

var (
	_ audit.Store   = (*Store)(nil)
	_ audit.Remover = (*Store)(nil)
)

// auditRow is a row of table audit.
type auditRow struct {
	Chain       string `gorm:"column:chain;primaryKey"`
	Sequence    int64  `gorm:"column:seq;primaryKey;autoIncrement:false"`
	Recorded    int64  `gorm:"column:recorded_at"`
	Actor       string `gorm:"column:actor_id"`
	ActorName   string `gorm:"column:actor_name"`
	Session     string `gorm:"column:session_id"`
	Client      string `gorm:"column:client"`
	Action      string `gorm:"column:action"`
	SubjectKind string `gorm:"column:subject_kind"`
	Subject     string `gorm:"column:subject_id"`
	File        string `gorm:"column:file_id"`
	Result      string `gorm:"column:result"`
	Request     string `gorm:"column:request"`
	Amount      int64  `gorm:"column:amount"`
	Detail      string `gorm:"column:detail"`
	Previous    string `gorm:"column:previous_hash"`
	Hash        string `gorm:"column:entry_hash"`
}

// TableName implements gorm's schema.Tabler.
func (auditRow) TableName() string { return "audit" }

func auditRowOf(e audit.Entry) auditRow {
	return auditRow{Chain: e.Chain.String(), Sequence: e.Sequence, Recorded: e.At.UnixMicro(), Actor: e.Actor.ID,
		ActorName: e.Actor.Name, Session: e.Actor.Session, Client: e.Client, Action: string(e.Action),
		SubjectKind: string(e.Subject.Kind), Subject: e.Subject.ID, File: e.Subject.File, Result: string(e.Result),
		Request: e.Request, Amount: e.Count, Detail: e.Detail, Previous: e.Previous.String(), Hash: e.Hash.String()}
}

// entry returns the row as it is: what somebody changed in it is for a verification to tell. A hash that is none is
// zero, which is nothing's.
func (r auditRow) entry() (audit.Entry, error) {
	chain, err := audit.ParseChain(r.Chain)
	if err != nil {
		return audit.Entry{}, errors.New("a row of the audit trail has an invalid chain")
	}
	previous, errPrevious := audit.ParseHash(r.Previous)
	hash, errHash := audit.ParseHash(r.Hash)
	if errPrevious != nil || errHash != nil {
		previous, hash = audit.Hash{}, audit.Hash{}
	}
	return audit.Entry{Chain: chain, Sequence: r.Sequence, At: time.UnixMicro(r.Recorded).UTC(),
		Actor:  audit.Actor{ID: r.Actor, Name: r.ActorName, Session: r.Session},
		Client: r.Client, Action: audit.Action(r.Action),
		Subject: audit.Subject{Kind: audit.Kind(r.SubjectKind), ID: r.Subject, File: r.File},
		Result:  audit.Result(r.Result), Request: r.Request, Count: r.Amount, Detail: r.Detail,
		Previous: previous, Hash: hash}, nil
}

// rowsTogether is how many rows one statement adds: SQLite takes a limited number of values.
const rowsTogether = 100

// AppendEntries implements audit.Store.
func (s *Store) AppendEntries(ctx context.Context, entries []audit.Entry) error {
	rows := make([]auditRow, len(entries))
	for i, e := range entries {
		rows[i] = auditRowOf(e)
	}
	write := s.write
	if len(rows) > rowsTogether {
		write = s.transact
	}
	return write(ctx, "adding to the audit trail", func(tx *gorm.DB) error {
		for at := 0; at < len(rows); at += rowsTogether {
			some := rows[at:min(at+rowsTogether, len(rows))]
			if err := tx.Create(&some).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// entries reads entries.
func (s *Store) entries(ctx context.Context, query func(*gorm.DB) *gorm.DB) ([]audit.Entry, error) {
	var rows []auditRow
	err := s.do(ctx, "reading the audit trail", func(tx *gorm.DB) error {
		rows = nil // of a try before
		return query(tx).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	all := make([]audit.Entry, len(rows))
	for i, r := range rows {
		if all[i], err = r.entry(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// LastEntry implements audit.Store.
func (s *Store) LastEntry(ctx context.Context, chain audit.Chain) (audit.Entry, error) {
	found, err := s.entries(ctx, func(tx *gorm.DB) *gorm.DB {
		return tx.Where("chain = ?", chain.String()).Order("seq DESC").Limit(1)
	})
	if err == nil && len(found) == 0 {
		err = dossier.ErrNotFound
	}
	if err != nil {
		return audit.Entry{}, err
	}
	return found[0], nil
}

// Heads implements audit.Store.
func (s *Store) Heads(ctx context.Context) ([]audit.Place, error) {
	found, err := s.entries(ctx, func(tx *gorm.DB) *gorm.DB {
		last := tx.Session(&gorm.Session{NewDB: true}).Model(&auditRow{}).
			Select("chain AS of_chain, MAX(seq) AS last_seq").Group("chain")
		return tx.Joins("JOIN (?) heads ON audit.chain = heads.of_chain AND audit.seq = heads.last_seq", last).
			Order("audit.chain")
	})
	places := make([]audit.Place, len(found))
	for i, e := range found {
		places[i] = e.Place()
	}
	return places, err
}

// EntriesAfter implements audit.Store.
func (s *Store) EntriesAfter(ctx context.Context, chain audit.Chain, sequence int64, limit int) ([]audit.Entry, error) {
	// Two queries, each of which reads a range of the primary key: MySQL does not see one in their OR.
	all, err := s.entries(ctx, func(tx *gorm.DB) *gorm.DB {
		return tx.Where("chain = ? AND seq > ?", chain.String(), sequence).Order("seq").Limit(limit)
	})
	if err != nil || len(all) == limit {
		return all, err
	}
	more, err := s.entries(ctx, func(tx *gorm.DB) *gorm.DB {
		return tx.Where("chain > ?", chain.String()).Order("chain, seq").Limit(limit - len(all))
	})
	return append(all, more...), err
}

// FindEntries implements audit.Store.
func (s *Store) FindEntries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return s.entries(ctx, func(tx *gorm.DB) *gorm.DB { return findEntries(tx, q) })
}

// findEntries is the query of FindEntries.
func findEntries(tx *gorm.DB, q audit.Query) *gorm.DB {
	for column, is := range map[string]string{"actor_id": q.Actor, "subject_id": q.Subject, "action": string(q.Action),
		"result": string(q.Result)} {
		if is != "" {
			tx = tx.Where(column+" = ?", is)
		}
	}
	if !q.From.IsZero() {
		tx = tx.Where("recorded_at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		tx = tx.Where("recorded_at < ?", q.To.UnixMicro())
	}
	if c := q.After; !c.IsZero() {
		at, chain := c.At.UnixMicro(), c.Chain.String()
		tx = tx.Where("recorded_at <= ? AND (recorded_at < ? OR chain < ? OR chain = ? AND seq < ?)", at, at, chain,
			chain,
			c.Sequence)
	}
	return tx.Order("recorded_at DESC, chain DESC, seq DESC").Limit(q.Limit)
}

// RemoveEntries implements audit.Remover. In MySQL it takes the user that prunes. In SQLite whoever has the file may;
// there it goes past the triggers that keep everything else from it.
func (s *Store) RemoveEntries(ctx context.Context, chain audit.Chain, sequence int64, limit int) (n int, err error) {
	err = s.transact(ctx, "removing from the audit trail", func(tx *gorm.DB) error {
		var last []int64
		err := tx.Model(&auditRow{}).Where("chain = ? AND seq <= ?", chain.String(), sequence).Order("seq").
			Limit(limit).Pluck("seq", &last).Error
		if n = len(last); err != nil || n == 0 {
			return err
		}
		remove := func() error {
			return tx.Where("chain = ? AND seq <= ?", chain.String(), last[n-1]).Delete(&auditRow{}).Error
		}
		if s.writing == nil {
			return remove()
		}
		for _, statement := range migrations.AuditUnguard() {
			if err := tx.Exec(statement).Error; err != nil {
				return err
			}
		}
		if err := remove(); err != nil {
			return err
		}
		for _, statement := range migrations.AuditGuards() {
			if err := tx.Exec(statement).Error; err != nil {
				return fmt.Errorf("guard the audit trail again: %w", err)
			}
		}
		return nil
	})
	return n, err
}
