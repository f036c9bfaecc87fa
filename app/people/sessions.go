package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
	"gorm.io/gorm"
)

var _ staff.Store = (*Store)(nil)

// sessionRow is a row of table sessions.
type sessionRow struct {
	ID     string `gorm:"column:id;primaryKey"`
	Token  string `gorm:"column:token_hash"`
	Client string `gorm:"column:client"`
	Agent  string `gorm:"column:agent"`
	Began  int64  `gorm:"column:began_at"`
	Seen   int64  `gorm:"column:seen_at"`
}

// TableName implements gorm's schema.Tabler.
func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() (staff.Session, error) {
	id, err := staff.ParseSessionID(r.ID)
	if err != nil {
		return staff.Session{}, errors.New("a row has an invalid session ID")
	}
	one := staff.Session{ID: id, Client: r.Client, Agent: r.Agent, BeganAt: time.UnixMicro(r.Began).UTC(),
		SeenAt: time.UnixMicro(r.Seen).UTC()}
	token, err := hex.DecodeString(r.Token)
	if err != nil || len(token) != len(one.Token) {
		return staff.Session{}, errors.New("a session's row has a damaged token")
	}
	one.Token = [sha256.Size]byte(token)
	return one, nil
}

// AddSession implements staff.Store.
func (s *Store) AddSession(ctx context.Context, one staff.Session) error {
	r := sessionRow{ID: one.ID.String(), Token: hex.EncodeToString(one.Token[:]), Client: one.Client, Agent: one.Agent,
		Began: one.BeganAt.UnixMicro(), Seen: one.SeenAt.UnixMicro()}
	return s.write(ctx, "adding a session", func(tx *gorm.DB) error { return tx.Create(&r).Error })
}

// Session implements staff.Store.
func (s *Store) Session(ctx context.Context, token [sha256.Size]byte) (staff.Session, error) {
	var rows []sessionRow
	err := s.do(ctx, "reading a session", func(tx *gorm.DB) error {
		return tx.Where("token_hash = ?", hex.EncodeToString(token[:])).Limit(1).Find(&rows).Error
	})
	if err != nil {
		return staff.Session{}, err
	}
	if len(rows) == 0 {
		return staff.Session{}, dossier.ErrNotFound
	}
	return rows[0].session()
}

// SeeSession implements staff.Store.
func (s *Store) SeeSession(ctx context.Context, id staff.SessionID, at time.Time) error {
	return s.write(ctx, "noting the use of a session", func(tx *gorm.DB) error {
		return tx.Model(&sessionRow{}).Where("id = ? AND seen_at < ?", id.String(), at.UnixMicro()).
			Update("seen_at", at.UnixMicro()).Error
	})
}

// Sessions implements staff.Store.
func (s *Store) Sessions(ctx context.Context) ([]staff.Session, error) {
	var rows []sessionRow
	err := s.do(ctx, "listing sessions", func(tx *gorm.DB) error {
		return tx.Order("began_at DESC, id DESC").Limit(staff.MaxSessions).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	all := make([]staff.Session, len(rows))
	for i, r := range rows {
		if all[i], err = r.session(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// EndSession implements staff.Store.
func (s *Store) EndSession(ctx context.Context, id staff.SessionID) (bool, error) {
	n, err := s.deleteSessions(ctx, "id = ?", id.String())
	return n > 0, err
}

// EndOthers implements staff.Store.
func (s *Store) EndOthers(ctx context.Context, except staff.SessionID) (int, error) {
	return s.deleteSessions(ctx, "id <> ?", except.String())
}

// ForgetSessions implements staff.Store.
func (s *Store) ForgetSessions(ctx context.Context, began, seen time.Time) error {
	_, err := s.deleteSessions(ctx, "began_at < ? OR seen_at < ?", began.UnixMicro(), seen.UnixMicro())
	return err
}

func (s *Store) deleteSessions(ctx context.Context, where string, args ...any) (n int, err error) {
	err = s.write(ctx, "ending sessions", func(tx *gorm.DB) error {
		done := tx.Where(where, args...).Delete(&sessionRow{})
		n = int(done.RowsAffected)
		return done.Error
	})
	return n, err
}
