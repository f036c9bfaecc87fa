package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
	"gorm.io/gorm"
)

// accountRow is a row of table accounts.
type accountRow struct {
	ID          string  `gorm:"column:id;primaryKey"`
	Name        string  `gorm:"column:name"`
	Address     string  `gorm:"column:address"`
	AddressKey  string  `gorm:"column:address_key"`
	Role        string  `gorm:"column:role"`
	State       string  `gorm:"column:state"`
	Issuer      string  `gorm:"column:issuer"`
	Subject     string  `gorm:"column:subject"`
	IdentityKey *string `gorm:"column:identity_key"`
	Password    string  `gorm:"column:password"`
	Codes       string  `gorm:"column:codes"`
	Step        int64   `gorm:"column:codes_step"`
	Recovery    string  `gorm:"column:recovery"`
	Link        *string `gorm:"column:link_hash"`
	LinkExpires int64   `gorm:"column:link_expires_at"`
	RoleGiven   bool    `gorm:"column:role_given"`
	Revision    int64   `gorm:"column:revision"`
	Created     int64   `gorm:"column:created_at"`
	Changed     int64   `gorm:"column:changed_at"`
	SignedIn    int64   `gorm:"column:signed_in_at"`
}

// TableName implements gorm's schema.Tabler.
func (accountRow) TableName() string { return "accounts" }

// hashed returns what an index finds a text by that is wider than it takes.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// identityKey is what an identity is found by. A NUL is in neither of the two.
func identityKey(issuer, subject string) string { return hashed(issuer + "\x00" + subject) }

func accountRowOf(r staff.Record) accountRow {
	row := accountRow{
		ID: r.ID.String(), Name: r.Name, Address: r.Address, AddressKey: hashed(staff.AddressKey(r.Address)),
		Role: string(r.Role), State: string(r.State), Issuer: r.Issuer, Subject: r.Subject, Password: r.Password,
		Codes: r.Codes, Step: r.Step, LinkExpires: expiresAt(r.LinkExpires), RoleGiven: r.RoleGiven,
		Revision: r.Revision,
		Created:  r.CreatedAt.UnixMicro(), Changed: r.ChangedAt.UnixMicro(), SignedIn: expiresAt(r.SignedInAt),
	}
	if r.Issuer != "" {
		key := identityKey(r.Issuer, r.Subject)
		row.IdentityKey = &key
	}
	if r.Link != ([sha256.Size]byte{}) {
		link := hex.EncodeToString(r.Link[:])
		row.Link = &link
	}
	codes := make([]string, len(r.Recovery))
	for i, hash := range r.Recovery {
		codes[i] = hex.EncodeToString(hash[:])
	}
	row.Recovery = strings.Join(codes, " ")
	return row
}

// at returns a time of a column in which 0 is never.
func at(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func (r accountRow) account() (staff.Account, error) {
	id, err := staff.ParseAccountID(r.ID)
	if err != nil {
		return staff.Account{}, errors.New("a row has an invalid account ID")
	}
	return staff.Account{ID: id, Name: r.Name, Address: r.Address, Role: staff.Role(r.Role),
		State: staff.State(r.State), Issuer: r.Issuer, Subject: r.Subject, CreatedAt: at(r.Created),
		ChangedAt: at(r.Changed), SignedInAt: at(r.SignedIn)}, nil
}

func (r accountRow) record() (staff.Record, error) {
	account, err := r.account()
	if err != nil {
		return staff.Record{}, err
	}
	record := staff.Record{Account: account, RoleGiven: r.RoleGiven, Revision: r.Revision,
		Credentials: staff.Credentials{Password: r.Password, Codes: r.Codes, Step: r.Step,
			LinkExpires: at(r.LinkExpires)}}
	if r.Link != nil {
		if n, err := hex.Decode(record.Link[:], []byte(*r.Link)); err != nil || n != len(record.Link) {
			return staff.Record{}, fmt.Errorf("account %s: the row's link is damaged", account.ID)
		}
	}
	for _, text := range strings.Fields(r.Recovery) {
		hash, err := hex.DecodeString(text)
		if err != nil || len(hash) != len(staff.RecoveryHash{}) {
			return staff.Record{}, fmt.Errorf("account %s: the row's recovery codes are damaged", account.ID)
		}
		record.Recovery = append(record.Recovery, staff.RecoveryHash(hash))
	}
	return record, nil
}

// administering are the accounts by which the site has an administrator.
func administering(tx *gorm.DB) *gorm.DB {
	return tx.Model(&accountRow{}).Where("role = ? AND state = ?", string(staff.Administrator), string(staff.Active))
}

// AddAccount implements staff.AccountStore.
func (s *Store) AddAccount(ctx context.Context, r staff.Record) error {
	r.Revision = 1
	row := accountRowOf(r)
	return s.transact(ctx, "adding an account", func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil || !r.Administers() {
			return err
		}
		return endShared(tx)
	})
}

// endShared ends the sessions that the shared secret opened.
func endShared(tx *gorm.DB) error { return tx.Where("account IS NULL").Delete(&sessionRow{}).Error }

// Account implements staff.AccountStore.
func (s *Store) Account(ctx context.Context, id staff.AccountID) (staff.Record, error) {
	return s.findAccount(ctx, "id", id.String())
}

// AccountAt implements staff.AccountStore.
func (s *Store) AccountAt(ctx context.Context, address string) (staff.Record, error) {
	return s.findAccount(ctx, "address_key", hashed(staff.AddressKey(address)))
}

// AccountOf implements staff.AccountStore.
func (s *Store) AccountOf(ctx context.Context, issuer, subject string) (staff.Record, error) {
	return s.findAccount(ctx, "identity_key", identityKey(issuer, subject))
}

// AccountByLink implements staff.AccountStore.
func (s *Store) AccountByLink(ctx context.Context, link [sha256.Size]byte) (staff.Record, error) {
	return s.findAccount(ctx, "link_hash", hex.EncodeToString(link[:]))
}

// findAccount returns the account that has a value in a column of unique ones.
func (s *Store) findAccount(ctx context.Context, column, value string) (staff.Record, error) {
	var rows []accountRow
	err := s.do(ctx, "reading an account", func(tx *gorm.DB) error {
		return tx.Where(column+" = ?", value).Limit(1).Find(&rows).Error
	})
	if err != nil {
		return staff.Record{}, err
	}
	if len(rows) == 0 {
		return staff.Record{}, dossier.ErrNotFound
	}
	return rows[0].record()
}

// Accounts implements staff.AccountStore.
func (s *Store) Accounts(ctx context.Context) ([]staff.Account, error) {
	var rows []accountRow
	err := s.do(ctx, "listing accounts", func(tx *gorm.DB) error {
		return tx.Order("id").Limit(staff.MaxAccounts).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	all := make([]staff.Account, len(rows))
	for i, r := range rows {
		if all[i], err = r.account(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Administered implements staff.AccountStore.
func (s *Store) Administered(ctx context.Context) (bool, error) {
	var ids []string
	err := s.do(ctx, "looking for an administrator", func(tx *gorm.DB) error {
		return administering(tx).Limit(1).Pluck("id", &ids).Error
	})
	return len(ids) > 0, err
}

// AnyLocal implements staff.AccountStore.
func (s *Store) AnyLocal(ctx context.Context) (bool, error) {
	var ids []string
	err := s.do(ctx, "looking for a local account", func(tx *gorm.DB) error {
		return tx.Model(&accountRow{}).Where("issuer = ''").Limit(1).Pluck("id", &ids).Error
	})
	return len(ids) > 0, err
}

// SetAccount implements staff.AccountStore.
func (s *Store) SetAccount(ctx context.Context, from, to staff.Record, endSessions bool) error {
	to.ID, to.CreatedAt, to.Revision = from.ID, from.CreatedAt, from.Revision+1
	row := accountRowOf(to)
	return s.changeAccount(ctx, "changing an account", from, to.Administers(), func(tx *gorm.DB) (bool, error) {
		done := tx.Model(&accountRow{}).Where("id = ? AND revision = ?", row.ID, from.Revision).
			Select("*").Omit("id", "created_at").Updates(&row)
		if done.Error != nil || done.RowsAffected == 0 {
			return false, done.Error
		}
		if endSessions {
			if err := tx.Where("account = ?", row.ID).Delete(&sessionRow{}).Error; err != nil {
				return false, err
			}
		}
		if to.State == staff.Suspended || to.Unproven() && !from.Unproven() {
			if err := endTokens(tx, row.ID); err != nil {
				return false, err
			}
		}
		if to.Administers() && !from.Administers() {
			return true, endShared(tx)
		}
		return true, nil
	})
}

// RemoveAccount implements staff.AccountStore.
func (s *Store) RemoveAccount(ctx context.Context, r staff.Record) error {
	return s.changeAccount(ctx, "removing an account", r, false, func(tx *gorm.DB) (bool, error) {
		done := tx.Where("id = ? AND revision = ?", r.ID.String(), r.Revision).Delete(&accountRow{})
		if done.Error != nil || done.RowsAffected == 0 {
			return false, done.Error
		}
		if err := endTokens(tx, r.ID.String()); err != nil {
			return false, err
		}
		return true, tx.Where("account = ?", r.ID.String()).Delete(&sessionRow{}).Error
	})
}

// changeAccount makes a change of an account that reports whether the account was as it was read, unless it takes away
// the last administrator. Who takes one away locks them all first, in one statement: of two who take each other's away
// at once, the second waits there, and then counts what the first has left. (Transactions read what is committed; in
// SQLite, there is one writer at a time anyway.)
func (s *Store) changeAccount(ctx context.Context, doing string, from staff.Record, administersAfter bool,
	change func(*gorm.DB) (bool, error)) error {
	var changed bool
	err := s.transact(ctx, doing, func(tx *gorm.DB) (err error) {
		if from.Administers() && !administersAfter {
			if err := administering(tx).Update("revision", gorm.Expr("revision")).Error; err != nil {
				return err
			}
			var others []string
			if err := administering(tx).Where("id <> ?", from.ID.String()).Limit(1).Pluck("id", &others).
				Error; err != nil {
				return err
			}
			if len(others) == 0 {
				return errLast
			}
		}
		changed, err = change(tx)
		return err
	})
	if errors.Is(err, errLast) {
		// Whether this is the last one is only known of the account as it is.
		found, err := s.Account(ctx, from.ID)
		switch {
		case err != nil:
			return err
		case found.Revision != from.Revision:
			return dossier.ErrLost
		}
		return staff.ErrLast
	}
	if err != nil || changed {
		return err
	}
	if _, err := s.Account(ctx, from.ID); err != nil {
		return err
	}
	return dossier.ErrLost
}

// errLast rolls back what would take the last administrator away.
var errLast = errors.New("the last administrator")
