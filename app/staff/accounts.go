package staff

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dossier.example/app"
)

// How long links work. An invitation may lie in a mailbox over a weekend; whoever asks for a reset waits for it.
const (
	InvitationLifetime = 72 * time.Hour
	ResetLifetime      = 24 * time.Hour
)

var (
	// ErrRefused: the address, the password or the code is wrong, or the account is suspended. Which of them nobody is
	// told.
	ErrRefused = errors.New("wrong address, password or code")
	// ErrLast: the change would leave no active administrator.
	ErrLast = dossier.Errorf(dossier.CodeConflict, nil,
		"This is the last active administrator. Make somebody else an administrator first.")
	// ErrAdministered: the shared secret no longer opens anything.
	ErrAdministered = dossier.Errorf(dossier.CodeConflict, nil,
		"This site has an administrator, so the shared key no longer works. Sign in with your account.")
	// ErrLink: a link opens nothing.
	ErrLink = dossier.Errorf(dossier.CodeConflict, nil,
		"This link was used already, replaced by a newer one, or is incomplete. Ask an administrator for a new one.")
	// ErrLinkExpired: a link no longer opens anything.
	ErrLinkExpired = dossier.Errorf(dossier.CodeExpired, nil,
		"This link has expired. Ask an administrator for a new one.")
)

// Accounts are the members of the staff: who they are, what they may do, and how they prove themselves. It keeps
// nothing between two calls but the counts of failed sign-ins, so any number of instances may serve the same store.
type Accounts struct {
	store         Store
	links, device []byte // keys
	seal          sealer
	hasher        *hasher
	// failures counts the failed sign-ins of each address, clients those of each client, and devices those of each
	// device that has signed in before.
	failures, clients, devices *throttle
	now                        func() time.Time
	log                        *slog.Logger
}

// The failed sign-ins that are allowed. NIST SP 800-63B-4, section 3.2.2, wants guessing limited for each account. One
// that is attacked from everywhere is closed to devices that it does not know, and to no other (OWASP's device cookies,
// https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
const (
	failuresBurst = 10
	failuresEvery = 3 * time.Minute
	devicesBurst  = 10
	devicesEvery  = time.Minute
	clientsBurst  = 20
	clientsEvery  = 6 * time.Second
)

// NewAccounts returns the accounts of a store. Their keys derive from the staff secret: with another one, links and
// time-based codes no longer work, but recovery codes do.
func NewAccounts(store Store, secret string, o Options) (*Accounts, error) {
	a := &Accounts{store: store, hasher: newHasher(), failures: newThrottle(failuresBurst, failuresEvery),
		clients: newThrottle(clientsBurst, clientsEvery), devices: newThrottle(devicesBurst, devicesEvery), now: o.Now,
		log: o.Log}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	var codes []byte
	for info, key := range map[string]*[]byte{"dossier staff links": &a.links, "dossier staff devices": &a.device,
		"dossier staff codes": &codes} {
		var err error
		if *key, err = hkdf.Key(sha256.New, []byte(secret), nil, info, sha256.Size); err != nil {
			return nil, fmt.Errorf("derive the key of %q: %w", info, err)
		}
	}
	var err error
	if a.seal, err = newSealer(codes); err != nil {
		return nil, fmt.Errorf("make the cipher of codes: %w", err)
	}
	return a, nil
}

func (a *Accounts) time() time.Time { return a.now().UTC().Truncate(time.Microsecond) }

func keyed(key []byte, parts ...[]byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Account returns an account; dossier.ErrNotFound.
func (a *Accounts) Account(ctx context.Context, id AccountID) (Account, error) {
	r, err := a.store.Account(ctx, id)
	return r.Account, err
}

// At returns the account of an address; dossier.ErrNotFound.
func (a *Accounts) At(ctx context.Context, address string) (Account, error) {
	r, err := a.store.AccountAt(ctx, address)
	return r.Account, err
}

// List returns all accounts, in the order in which they were made.
func (a *Accounts) List(ctx context.Context) ([]Account, error) { return a.store.Accounts(ctx) }

// Administered reports whether an administrator is active. Until then the shared secret opens the site.
func (a *Accounts) Administered(ctx context.Context) (bool, error) { return a.store.Administered(ctx) }

// Ways reports by what members of the staff sign in: whether there is a local account, and whether the shared secret
// still opens the site. It reads no list of accounts: strangers may ask as often as they like.
func (a *Accounts) Ways(ctx context.Context) (local, shared bool, err error) {
	if local, err = a.store.AnyLocal(ctx); err != nil {
		return false, false, err
	}
	administered, err := a.store.Administered(ctx)
	return local, !administered && err == nil, err
}

// update changes an account: change gets it as it is, and is called again if somebody else was faster.
func (a *Accounts) update(ctx context.Context, id AccountID, endSessions bool,
	change func(r *Record) error) (Record, error) {
	for {
		from, err := a.store.Account(ctx, id)
		if err != nil {
			return Record{}, err
		}
		to := from
		if err := change(&to); err != nil {
			return Record{}, err
		}
		err = a.store.SetAccount(ctx, from, to, endSessions)
		if err == nil {
			return to, nil
		}
		if !errors.Is(err, dossier.ErrLost) {
			return Record{}, err
		}
	}
}

// add adds an account of somebody new.
func (a *Accounts) add(ctx context.Context, r Record) error {
	all, err := a.store.Accounts(ctx)
	if err != nil {
		return err
	}
	if len(all) >= MaxAccounts {
		return dossier.Errorf(dossier.CodeQuota, nil,
			"There are %d accounts, as many as there can be. Remove one first.", MaxAccounts)
	}
	return a.store.AddAccount(ctx, r)
}

// maxIdentity bounds an issuer and a subject, in bytes: the width of their columns.
const maxIdentity = 255

// Entrance is what letting somebody in makes of their account.
type Entrance struct {
	// Account is as it is going to be.
	Account Account
	// Made: the account is new to its owner. Role, Known: it was in use, and gets another role, or another name or
	// address.
	Made, Role, Known bool
}

// Enter returns the account of an identity, whose owner signs in: the one that it has had, or the invited one of its
// verified address, or a new one. The account gets the identity's name and address, and its role if it has one. Before
// anything is changed, admit is asked, and its error is returned; again if somebody else was faster. Errors:
// ErrForbidden, with a message, if the identity may not come in; ErrLast.
func (a *Accounts) Enter(ctx context.Context, i Identity, admit func(Entrance) error) (Account, error) {
	if i.Issuer == "" || i.Subject == "" || len(i.Issuer) > maxIdentity || len(i.Subject) > maxIdentity {
		return Account{}, forbidden("Your sign-in service did not say who you are in a form that this site can use.")
	}
	if _, err := ParseRole(string(i.Role)); err != nil && i.Role != "" {
		return Account{}, forbidden("Your sign-in service does not give you a role of this site. Ask whoever runs it.")
	}
	name, fault := cleanName(i.Name)
	if fault != "" {
		name = ""
	}
	address, badAddress := cleanAddress(i.Address)
	for {
		account, err := a.enter(ctx, i, name, address, badAddress == "" && i.Verified, admit)
		// Somebody else was faster: another tab, or an administrator.
		if errors.Is(err, dossier.ErrLost) || errors.Is(err, dossier.ErrExists) {
			continue
		}
		return account, err
	}
}

func forbidden(format string, args ...any) error {
	return dossier.Errorf(dossier.CodeForbidden, nil, format, args...)
}

// enter is one try of Enter; ErrLost or ErrExists: try again. addressed: the address is good, and theirs.
func (a *Accounts) enter(ctx context.Context, i Identity, name, address string, addressed bool,
	admit func(Entrance) error) (Account, error) {
	now := a.time()
	from, err := a.store.AccountOf(ctx, i.Issuer, i.Subject)
	if err == nil {
		return a.reenter(ctx, from, i, name, address, addressed, admit)
	}
	if !errors.Is(err, dossier.ErrNotFound) {
		return Account{}, err
	}
	if !addressed {
		return Account{}, forbidden("Your sign-in service has not verified your address of mail. Ask whoever runs it.")
	}
	if name == "" {
		name = address
	}
	invited, err := a.store.AccountAt(ctx, address)
	switch {
	case errors.Is(err, dossier.ErrNotFound):
		id, err := NewAccountID()
		if err != nil {
			return Account{}, err
		}
		r := Record{Account: Account{ID: id, Name: name, Address: address, Role: cmp.Or(i.Role, Viewer), State: Active,
			Issuer: i.Issuer, Subject: i.Subject, CreatedAt: now, ChangedAt: now, SignedInAt: now},
			RoleGiven: i.Role != ""}
		if err := admit(Entrance{Account: r.Account, Made: true}); err != nil {
			return Account{}, err
		}
		return r.Account, a.add(ctx, r)
	case err != nil:
		return Account{}, err
	case invited.Issuer == i.Issuer && invited.Subject == i.Subject:
		return Account{}, dossier.ErrLost
	case !invited.awaited() || !sameMailbox(invited.Address, address):
		// Nobody gets into an account that is in use by owning its address somewhere else.
		return Account{}, forbidden("There is another account with your address. Ask an administrator to remove it, " +
			"or whoever runs the server to hand it over to you.")
	}
	to := invited
	to.Credentials = Credentials{}
	to.Name, to.Issuer, to.Subject, to.State = name, i.Issuer, i.Subject, Active
	to.Role, to.RoleGiven = cmp.Or(i.Role, invited.Role), i.Role != ""
	to.ChangedAt, to.SignedInAt = now, now
	if err := admit(Entrance{Account: to.Account, Made: true}); err != nil {
		return Account{}, err
	}
	return to.Account, a.store.SetAccount(ctx, invited, to, true)
}

// reenter is enter for an identity that has been here before.
func (a *Accounts) reenter(ctx context.Context, from Record, i Identity, name, address string, addressed bool,
	admit func(Entrance) error) (Account, error) {
	if from.State == Suspended {
		return Account{}, forbidden("Your account is suspended. Ask an administrator.")
	}
	to := from
	to.SignedInAt = a.time()
	if name != "" {
		to.Name = name
	}
	if i.Role != "" || from.RoleGiven {
		// What was given and is not any more is taken: whoever still comes in is as somebody new.
		to.Role, to.RoleGiven = cmp.Or(i.Role, Viewer), i.Role != ""
	}
	if i.Role == "" && from.Administers() && !to.Administers() {
		last, err := a.onlyAdministrator(ctx, from.ID)
		if err != nil {
			return Account{}, err
		}
		if last {
			// Nobody else could give them, or anybody, the role again.
			to.Role, to.RoleGiven = from.Role, from.RoleGiven
		}
	}
	changed := to.Role != from.Role
	if changed {
		to.ChangedAt = to.SignedInAt
	}
	if addressed && address != from.Address {
		other, err := a.store.AccountAt(ctx, address)
		switch {
		case errors.Is(err, dossier.ErrNotFound), err == nil && other.ID == from.ID:
			to.Address = address
		case err != nil:
			return Account{}, err
		}
	}
	if err := admit(Entrance{Account: to.Account, Role: changed,
		Known: to.Name != from.Name || to.Address != from.Address}); err != nil {
		return Account{}, err
	}
	err := a.store.SetAccount(ctx, from, to, changed)
	if i.Role == "" && errors.Is(err, ErrLast) {
		return Account{}, dossier.ErrLost // the other administrator was taken away meanwhile
	}
	return to.Account, err
}

// Invitation is who is asked to join.
type Invitation struct {
	Name, Address string
	Role          Role
}

// Invite makes an account for somebody, and returns the token of the link by which they set their password and code. An
// invitation that was not accepted yet is replaced, and its link ends. Errors: ErrInvalid with the fields that are
// wrong.
func (a *Accounts) Invite(ctx context.Context, i Invitation) (account Account, link string, err error) {
	var faults []dossier.FieldFault
	name, fault := cleanName(i.Name)
	faults = fielded(faults, FieldName, fault)
	address, fault := cleanAddress(i.Address)
	faults = fielded(faults, FieldAddress, fault)
	if _, err := ParseRole(string(i.Role)); err != nil {
		return Account{}, "", err
	}
	if faults != nil {
		return Account{}, "", invalid(faults)
	}
	for {
		now := a.time()
		link, hash := a.newLink()
		from, err := a.store.AccountAt(ctx, address)
		switch {
		case errors.Is(err, dossier.ErrNotFound):
			id, err := NewAccountID()
			if err != nil {
				return Account{}, "", err
			}
			r := Record{Account: Account{ID: id, Name: name, Address: address, Role: i.Role, State: Invited,
				CreatedAt: now, ChangedAt: now}, Credentials: Credentials{Link: hash,
				LinkExpires: now.Add(InvitationLifetime)}}
			err = a.add(ctx, r)
			if !errors.Is(err, dossier.ErrExists) {
				return r.Account, link, err
			}
		case err != nil:
			return Account{}, "", err
		case from.State != Invited:
			return Account{}, "", invalid([]dossier.FieldFault{{Field: FieldAddress,
				Message: "There is an account with this address already."}})
		default:
			to := from
			to.Name, to.Address, to.Role, to.ChangedAt = name, address, i.Role, now
			to.Link, to.LinkExpires = hash, now.Add(InvitationLifetime)
			if err = a.store.SetAccount(ctx, from, to, false); !errors.Is(err, dossier.ErrLost) {
				return to.Account, link, err
			}
		}
	}
}

func fielded(faults []dossier.FieldFault, field, fault string) []dossier.FieldFault {
	if fault == "" {
		return faults
	}
	return append(faults, dossier.FieldFault{Field: field, Message: fault})
}

func invalid(faults []dossier.FieldFault) error {
	return &dossier.Error{Code: dossier.CodeInvalid, Message: "Some fields need your attention.", Fields: faults}
}

// passwordOnly ends the token of a link by which the owner sets a password and keeps the codes. What is stored covers
// it, so nobody makes one kind of link of the other.
const passwordOnly = 'p'

// newLink returns the token of a link, of 256 random bits, and what is stored of it.
func (a *Accounts) newLink(kind ...byte) (token string, hash [sha256.Size]byte) {
	raw := make([]byte, tokenBytes, tokenBytes+len(kind))
	_, _ = rand.Read(raw) // never fails
	raw = append(raw, kind...)
	return base64.RawURLEncoding.EncodeToString(raw), keyed(a.links, raw)
}

// keepsCodes reports whether a link that was found is one by which the owner sets a password alone.
func keepsCodes(token string) bool { return len(token) > base64.RawURLEncoding.EncodedLen(tokenBytes) }

// linked returns the account that a link is for. Errors: ErrLink, ErrLinkExpired.
func (a *Accounts) linked(ctx context.Context, token string) (Record, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenBytes && (len(raw) != tokenBytes+1 || raw[tokenBytes] != passwordOnly) {
		return Record{}, ErrLink
	}
	r, err := a.store.AccountByLink(ctx, keyed(a.links, raw))
	switch {
	case errors.Is(err, dossier.ErrNotFound):
		return Record{}, ErrLink
	case err != nil:
		return Record{}, err
	case !a.time().Before(r.LinkExpires):
		return Record{}, ErrLinkExpired
	}
	return r, nil
}

// NewLink returns the token of a new link for an account: the invitation again for one that has not accepted, else a
// reset, by which its owner sets a new password and, unless keepCodes, new codes. Where the codes are kept, one of them
// is asked for. The link before it ends. The old password works until the new one is used.
func (a *Accounts) NewLink(ctx context.Context, id AccountID, keepCodes bool) (account Account, link string,
	err error) {
	full, fullHash := a.newLink()
	short, shortHash := a.newLink(passwordOnly)
	r, err := a.update(ctx, id, false, func(r *Record) error {
		switch {
		case !r.Local():
			return conflict("This account signs in with a sign-in service, which resets its password.")
		case r.State == Suspended:
			return conflict("This account is suspended. Resume it first.")
		}
		link, r.Link, r.LinkExpires = full, fullHash, a.time().Add(ResetLifetime)
		switch {
		case r.State == Invited:
			r.LinkExpires = a.time().Add(InvitationLifetime)
		case keepCodes && r.Codes != "":
			link, r.Link = short, shortHash
		}
		return nil
	})
	if err != nil {
		link = ""
	}
	return r.Account, link, err
}

func conflict(format string, args ...any) error {
	return dossier.Errorf(dossier.CodeConflict, nil, format, args...)
}

// Recover makes an account a local administrator's that is not suspended, whatever it was, and returns the token of a
// reset link. Only whoever has the machine may.
func (a *Accounts) Recover(ctx context.Context, id AccountID) (account Account, link string, err error) {
	link, hash := a.newLink()
	r, err := a.update(ctx, id, true, func(r *Record) error {
		state := Active
		if r.State != Active && r.SignedInAt.IsZero() {
			state = Invited
		}
		r.recover(a.time(), state)
		r.Link, r.LinkExpires = hash, r.ChangedAt.Add(ResetLifetime)
		return nil
	})
	return r.Account, link, err
}

// HandOver makes an account an administrator's that is not suspended, whatever it was, and that belongs to whoever
// signs in next with an issuer that has verified its address as theirs: after the site got an issuer, or another one,
// which knows its owner by another subject. Only whoever has the machine may.
func (a *Accounts) HandOver(ctx context.Context, id AccountID) (Account, error) {
	r, err := a.update(ctx, id, true, func(r *Record) error {
		r.recover(a.time(), Active)
		r.Credentials = Credentials{}
		return nil
	})
	return r.Account, err
}

// recover makes a record that of an administrator whom no issuer knows.
func (r *Record) recover(now time.Time, s State) {
	r.ChangedAt, r.Role, r.RoleGiven, r.State, r.Issuer, r.Subject = now, Administrator, false, s, "", ""
}

// Unproven reports whether nobody can sign in with an account as it is: it is no issuer's, and has no password.
func (r Record) Unproven() bool { return r.Local() && r.Password == "" }

// awaited reports whether an account belongs to whoever owns its address at an issuer: it was invited, or handed over.
// One that was recovered belongs to whoever has its link, and to nobody once that has expired, or was ended by Suspend.
func (r Record) awaited() bool {
	return r.Unproven() && (r.State == Invited || r.State == Active && r.Link == [sha256.Size]byte{})
}

// settled is the state of an account that is no longer suspended.
func (r Record) settled() State {
	if r.Unproven() && r.Link == [sha256.Size]byte{} {
		return Invited
	}
	return Active
}

// ChangeRole gives an account another role and ends its sessions. An issuer that gives roles sets its own at the next
// sign-in. Errors: ErrLast.
func (a *Accounts) ChangeRole(ctx context.Context, id AccountID, role Role) (Account, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return Account{}, err
	}
	return a.change(ctx, id, func(r *Record) error {
		r.Role, r.RoleGiven = role, false
		return nil
	})
}

// Suspend keeps an account out: its sessions and its link end. Errors: ErrLast.
func (a *Accounts) Suspend(ctx context.Context, id AccountID) (Account, error) {
	return a.change(ctx, id, func(r *Record) error {
		// That one that was recovered had a link is known further on: see awaited.
		if !r.Unproven() || r.awaited() {
			r.Link = [sha256.Size]byte{}
		}
		r.State, r.LinkExpires = Suspended, time.Time{}
		return nil
	})
}

// Resume lets a suspended account in again.
func (a *Accounts) Resume(ctx context.Context, id AccountID) (Account, error) {
	return a.change(ctx, id, func(r *Record) error {
		r.State = r.settled()
		return nil
	})
}

// change is update for what ends the sessions.
func (a *Accounts) change(ctx context.Context, id AccountID, change func(*Record) error) (Account, error) {
	r, err := a.update(ctx, id, true, func(r *Record) error {
		r.ChangedAt = a.time()
		return change(r)
	})
	return r.Account, err
}

// Remove removes an account with its sessions, and returns what it was. Errors: ErrLast.
func (a *Accounts) Remove(ctx context.Context, id AccountID) (Account, error) {
	for {
		r, err := a.store.Account(ctx, id)
		if err != nil {
			return Account{}, err
		}
		if err = a.store.RemoveAccount(ctx, r); !errors.Is(err, dossier.ErrLost) {
			return r.Account, err
		}
	}
}

// Rename changes an account's name. Errors: ErrInvalid.
func (a *Accounts) Rename(ctx context.Context, id AccountID, name string) (Account, error) {
	name, fault := cleanName(name)
	if fault != "" {
		return Account{}, invalid(fielded(nil, FieldName, fault))
	}
	r, err := a.update(ctx, id, false, func(r *Record) error {
		r.Name = name
		return nil
	})
	return r.Account, err
}
