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
	ID      string  `gorm:"column:id;primaryKey"`
	Account *string `gorm:"column:account"`
	Token   string  `gorm:"column:token_hash"`
	Client  string  `gorm:"column:client"`
	Agent   string  `gorm:"column:agent"`
	Began   int64   `gorm:"column:began_at"`
	Seen    int64   `gorm:"column:seen_at"`
	Proved  *int64  `gorm:"column:proved_at"`
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
	if r.Proved != nil {
		one.ProvedAt = time.UnixMicro(*r.Proved).UTC()
	}
	if r.Account != nil {
		if one.Account, err = staff.ParseAccountID(*r.Account); err != nil {
			return staff.Session{}, errors.New("a session's row has an invalid account ID")
		}
	}
	return one, nil
}

// AddSession implements staff.SessionStore.
func (s *Store) AddSession(ctx context.Context, one staff.Session) error {
	r := sessionRow{ID: one.ID.String(), Token: hex.EncodeToString(one.Token[:]), Client: one.Client, Agent: one.Agent,
		Began: one.BeganAt.UnixMicro(), Seen: one.SeenAt.UnixMicro()}
	if !one.ProvedAt.IsZero() {
		proved := one.ProvedAt.UnixMicro()
		r.Proved = &proved
	}
	if !one.Account.IsZero() {
		account := one.Account.String()
		r.Account = &account
	}
	return s.write(ctx, "adding a session", func(tx *gorm.DB) error { return tx.Create(&r).Error })
}

// actorRow is a session with its account, if there is one.
type actorRow struct {
	Session sessionRow `gorm:"embedded"`
	// Owner is the account's ID.
	Owner    *string `gorm:"column:owner"`
	Name     string  `gorm:"column:name"`
	Address  string  `gorm:"column:address"`
	Role     string  `gorm:"column:role"`
	State    string  `gorm:"column:state"`
	Issuer   string  `gorm:"column:issuer"`
	Subject  string  `gorm:"column:subject"`
	Created  int64   `gorm:"column:created_at"`
	Changed  int64   `gorm:"column:changed_at"`
	SignedIn int64   `gorm:"column:signed_in_at"`
}

// Actor implements staff.SessionStore.
func (s *Store) Actor(ctx context.Context, token [sha256.Size]byte) (staff.Actor, error) {
	var rows []actorRow
	err := s.do(ctx, "reading a session", func(tx *gorm.DB) error {
		return tx.Raw(`SELECT s.id, s.account, s.token_hash, s.client, s.agent, s.began_at, s.seen_at, s.proved_at,
a.id AS owner, a.name, a.address, a.role, a.state, a.issuer, a.subject, a.created_at, a.changed_at, a.signed_in_at
FROM sessions s LEFT JOIN accounts a ON a.id = s.account
WHERE s.token_hash = ? AND (a.id IS NOT NULL
OR s.account IS NULL AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.role = ? AND o.state = ?))`,
			hex.EncodeToString(token[:]), string(staff.Administrator), string(staff.Active)).Scan(&rows).Error
	})
	if err != nil {
		return staff.Actor{}, err
	}
	if len(rows) == 0 {
		return staff.Actor{}, dossier.ErrNotFound
	}
	r := rows[0]
	actor := staff.Actor{}
	if actor.Session, err = r.Session.session(); err != nil || r.Owner == nil {
		return actor, err
	}
	actor.Account, err = accountRow{ID: *r.Owner, Name: r.Name, Address: r.Address, Role: r.Role, State: r.State,
		Issuer: r.Issuer, Subject: r.Subject, Created: r.Created, Changed: r.Changed, SignedIn: r.SignedIn}.account()
	return actor, err
}

// SeeSession implements staff.SessionStore.
func (s *Store) SeeSession(ctx context.Context, id staff.SessionID, at time.Time) error {
	return s.write(ctx, "noting the use of a session", func(tx *gorm.DB) error {
		return tx.Model(&sessionRow{}).Where("id = ? AND seen_at < ?", id.String(), at.UnixMicro()).
			Update("seen_at", at.UnixMicro()).Error
	})
}

// Sessions implements staff.SessionStore.
func (s *Store) Sessions(ctx context.Context, of staff.AccountID) ([]staff.Session, error) {
	var rows []sessionRow
	err := s.do(ctx, "listing sessions", func(tx *gorm.DB) error {
		return sessionsOf(tx, of).Find(&rows).Error
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

// sessionsOf are the sessions of an account, or with zero all, the newest first.
func sessionsOf(tx *gorm.DB, of staff.AccountID) *gorm.DB {
	return owned(tx, of).Order("began_at DESC, id DESC").Limit(staff.MaxSessions)
}

// owned narrows sessions to those of an account, unless that is zero.
func owned(tx *gorm.DB, of staff.AccountID) *gorm.DB {
	if of.IsZero() {
		return tx
	}
	return tx.Where("account = ?", of.String())
}

// EndSession implements staff.SessionStore.
func (s *Store) EndSession(ctx context.Context, id staff.SessionID, of staff.AccountID) (bool, error) {
	n, err := s.deleteSessions(ctx, of, "id = ?", id.String())
	return n > 0, err
}

// EndOthers implements staff.SessionStore.
func (s *Store) EndOthers(ctx context.Context, except staff.SessionID, of staff.AccountID) (int, error) {
	return s.deleteSessions(ctx, of, "id <> ?", except.String())
}

// ForgetSessions implements staff.SessionStore.
func (s *Store) ForgetSessions(ctx context.Context, began, seen time.Time) error {
	_, err := s.deleteSessions(ctx, staff.AccountID{}, "(began_at < ? OR seen_at < ?)", began.UnixMicro(),
		seen.UnixMicro())
	return err
}

func (s *Store) deleteSessions(ctx context.Context, of staff.AccountID, where string, args ...any) (n int,
	err error) {
	err = s.write(ctx, "ending sessions", func(tx *gorm.DB) error {
		done := owned(tx, of).Where(where, args...).Delete(&sessionRow{})
		n = int(done.RowsAffected)
		return done.Error
	})
	return n, err
}
