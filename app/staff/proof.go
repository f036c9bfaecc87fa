package staff

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"dossier.example/app"
)

// Attempt is what somebody signs in with.
type Attempt struct {
	Address, Password string
	// Code is a time-based code, or a recovery code.
	Code string
	// Client is the network that it comes from.
	Client string
	// Device is what SignIn returned at an earlier sign-in of the same browser; may be empty or anything.
	Device string
}

// Proven is what a sign-in that succeeded leads to.
type Proven struct {
	Account Account
	// Device is what the browser keeps, so that it is known again.
	Device string
	// RecoveryLeft is how many recovery codes are left, if one was used; else -1.
	RecoveryLeft int
}

// SignIn checks a password and a code. Errors: ErrRefused; a RetryError if too many have failed or are being checked.
//
// A code is used once. Whoever guesses is slowed down for each address of mail and for each network; who comes with a
// device that has signed in before is counted for itself, so guessers cannot keep them out.
func (a *Accounts) SignIn(ctx context.Context, try Attempt) (Proven, error) {
	key := AddressKey(try.Address)
	if len(try.Address) > MaxAddress {
		key = ""
	}
	nonce, known := a.knows(try.Device, key)
	giveBack, known, err := a.takeAttempt(try, key, nonce, known)
	if err != nil {
		return Proven{}, err
	}
	r, err := a.store.AccountAt(ctx, key)
	if err != nil && !errors.Is(err, dossier.ErrNotFound) {
		giveBack()
		return Proven{}, err
	}
	p, err := a.prove(ctx, r, try.Password, try.Code, known)
	if !errors.Is(err, ErrRefused) {
		giveBack()
	}
	if err == nil {
		p.Device = a.newDevice(key)
	}
	return p, err
}

// takeAttempt counts an attempt before it is known how it ends. A known device that has failed too often is a strange
// one.
func (a *Accounts) takeAttempt(try Attempt, key, nonce string, known bool) (giveBack func(), stillKnown bool,
	err error) {
	now := a.time()
	if known && a.devices.take(nonce, now) == nil {
		return func() { a.devices.giveBack(nonce, now) }, true, nil
	}
	if err := a.clients.take(try.Client, now); err != nil {
		return nil, false, err
	}
	if err := a.failures.take(key, now); err != nil {
		a.clients.giveBack(try.Client, now)
		return nil, false, err
	}
	return func() {
		a.clients.giveBack(try.Client, now)
		a.failures.giveBack(key, now)
	}, false, nil
}

// Prove checks the password and the code of an account whose session needs proof again. Errors: as of SignIn.
func (a *Accounts) Prove(ctx context.Context, id AccountID, password, code string) (Proven, error) {
	key, now := "proof "+id.String(), a.time()
	if err := a.devices.take(key, now); err != nil {
		return Proven{}, err
	}
	r, err := a.store.Account(ctx, id)
	if err != nil {
		a.devices.giveBack(key, now)
		return Proven{}, err
	}
	p, err := a.prove(ctx, r, password, code, true)
	if !errors.Is(err, ErrRefused) {
		a.devices.giveBack(key, now)
	}
	return p, err
}

// prove checks a password and a code, and notes that the code was used. Of an account that there is not, or that is
// suspended or an issuer's, it takes as long.
func (a *Accounts) prove(ctx context.Context, r Record, password, typed string, known bool) (Proven, error) {
	stored := r.Password
	if r.State != Active || !r.Local() {
		stored = ""
	}
	same, old, err := a.hasher.compare(ctx, known, stored, password)
	if err != nil {
		return Proven{}, err
	}
	if !same {
		// With the right password and a wrong code, the account is read once more.
		_, _ = a.store.Account(ctx, r.ID)
		return Proven{}, ErrRefused
	}
	fresh := ""
	if old {
		if fresh, err = a.hasher.hash(ctx, password); err != nil {
			return Proven{}, err
		}
	}
	p := Proven{RecoveryLeft: -1}
	done, err := a.update(ctx, r.ID, false, func(now *Record) error {
		if now.State != Active || !now.Local() || now.Password != r.Password {
			return ErrRefused
		}
		p.RecoveryLeft = -1
		if !a.useCode(ctx, now, typed) {
			return ErrRefused
		}
		if len(now.Recovery) < len(r.Recovery) {
			p.RecoveryLeft = len(now.Recovery)
		}
		if fresh != "" {
			now.Password = fresh
		}
		now.SignedInAt = a.time()
		return nil
	})
	if errors.Is(err, dossier.ErrNotFound) {
		return Proven{}, ErrRefused
	}
	p.Account = done.Account
	return p, err
}

// useCode reports whether a code is good for an account, and uses it up in the record.
func (a *Accounts) useCode(ctx context.Context, r *Record, typed string) bool {
	typed = cleanCode(typed)
	if len(typed) != codeDigits {
		left, ok := useRecovery(r.Recovery, typed)
		r.Recovery = left
		return ok
	}
	secret, err := a.seal.open(r.Codes, r.ID)
	if err != nil {
		a.log.ErrorContext(ctx, "time-based codes cannot be checked; recovery codes still work", "account", r.ID,
			"err", err)
		return false
	}
	step, ok := matchCode(secret, typed, a.time(), r.Step)
	if ok {
		r.Step = step
	}
	return ok
}

const deviceNonce = 16

// newDevice returns what a browser keeps, to be known again by an address: a random part, and proof that it comes from
// here.
func (a *Accounts) newDevice(key string) string {
	nonce := make([]byte, deviceNonce)
	_, _ = rand.Read(nonce) // never fails
	mac := keyed(a.device, nonce, []byte(key))
	return base64.RawURLEncoding.EncodeToString(append(nonce, mac[:]...))
}

// knows reports whether a device has signed in with an address, and returns its random part.
func (a *Accounts) knows(device, key string) (nonce string, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(device)
	if err != nil || len(b) != deviceNonce+sha256.Size {
		return "", false
	}
	mac := keyed(a.device, b[:deviceNonce], []byte(key))
	return string(b[:deviceNonce]), hmac.Equal(mac[:], b[deviceNonce:])
}

// Opening is what the page of a link starts from.
type Opening struct {
	Account    Account
	Enrollment Enrollment
	// Reset: the account was in use before.
	Reset bool
	// KeepsCodes: a new password is set, with a code that the account has already; there is no enrollment.
	KeepsCodes bool
}

// Open returns what a link opens. The link can still be used. Errors: ErrLink, ErrLinkExpired.
func (a *Accounts) Open(ctx context.Context, link string) (Opening, error) {
	r, err := a.linked(ctx, link)
	if err != nil {
		return Opening{}, err
	}
	o := Opening{Account: r.Account, Reset: r.State != Invited, KeepsCodes: keepsCodes(link)}
	if !o.KeepsCodes {
		o.Enrollment = a.Enroll(r.Account)
	}
	return o, nil
}

// Enroll returns a new secret of time-based codes for an account, which counts once a code of it was typed.
func (a *Accounts) Enroll(account Account) Enrollment {
	secret := make([]byte, codeSecret)
	_, _ = rand.Read(secret) // never fails
	return enrollment(secret, a.seal.seal(secret, account.ID), account)
}

// Reenroll returns an enrollment again that came back sealed; a new one if it is damaged.
func (a *Accounts) Reenroll(account Account, sealed string) Enrollment {
	secret, err := a.seal.open(sealed, account.ID)
	if err != nil {
		return a.Enroll(account)
	}
	return enrollment(secret, sealed, account)
}

// Acceptance is what somebody fills in who was let in by a link.
type Acceptance struct {
	Name, Password string
	// Sealed is that of an Enrollment, Code a code of it. By a link that keeps the codes, Code is one of the account's,
	// or a recovery code, and Name and Sealed do not count.
	Sealed, Code string
}

// Accept uses a link up: the account gets a password and time-based codes, and recovery codes, which nobody sees again;
// by a link that keeps the codes, a password alone. Its sessions end. Errors: ErrLink, also if somebody else was
// faster; ErrLinkExpired; ErrInvalid; a RetryError if too many codes were wrong.
func (a *Accounts) Accept(ctx context.Context, link string, with Acceptance) (account Account, recovery []string,
	device string, err error) {
	r, err := a.linked(ctx, link)
	if err != nil {
		return Account{}, nil, "", err
	}
	accept := a.accept
	if keepsCodes(link) {
		accept = a.acceptPassword
	}
	set, recovery, err := accept(ctx, r.Account, with)
	if err != nil {
		return Account{}, nil, "", err
	}
	done, err := a.update(ctx, r.ID, true, func(now *Record) error {
		if now.Link != r.Link {
			return ErrLink
		}
		return set(now)
	})
	if errors.Is(err, dossier.ErrNotFound) {
		err = ErrLink
	}
	if err != nil {
		return Account{}, nil, "", err
	}
	return done.Account, recovery, a.newDevice(AddressKey(done.Address)), nil
}

// accept checks an acceptance and returns what sets it in a record. The password is hashed last, and only if all else
// is right.
func (a *Accounts) accept(ctx context.Context, of Account, with Acceptance) (set func(*Record) error,
	recovery []string, err error) {
	var faults []dossier.FieldFault
	name, fault := cleanName(with.Name)
	faults = fielded(faults, FieldName, fault)
	faults = fielded(faults, FieldPassword, checkPassword(with.Password, name, of.Address))
	step, fault := a.checkEnrollment(of, with.Sealed, with.Code)
	faults = fielded(faults, FieldCode, fault)
	if faults != nil {
		return nil, nil, invalid(faults)
	}
	password, err := a.hasher.hash(ctx, with.Password)
	if err != nil {
		return nil, nil, err
	}
	recovery, hashes := newRecovery()
	return func(r *Record) error {
		now := a.time()
		r.Name, r.State, r.ChangedAt, r.SignedInAt = name, Active, now, now
		r.Credentials = Credentials{Password: password, Codes: with.Sealed, Step: step, Recovery: hashes}
		return nil
	}, recovery, nil
}

// acceptPassword is accept by a link that keeps the codes. Whoever found the link and guesses codes is slowed down like
// whoever guesses within a session.
func (a *Accounts) acceptPassword(ctx context.Context, of Account, with Acceptance) (set func(*Record) error,
	recovery []string, err error) {
	if fault := checkPassword(with.Password, of.Name, of.Address); fault != "" {
		return nil, nil, invalid(fielded(nil, FieldPassword, fault))
	}
	key, now := "link "+of.ID.String(), a.time()
	if err := a.devices.take(key, now); err != nil {
		return nil, nil, err
	}
	password, err := a.hasher.hash(ctx, with.Password)
	if err != nil {
		a.devices.giveBack(key, now)
		return nil, nil, err
	}
	return func(r *Record) error {
		if !a.useCode(ctx, r, with.Code) {
			return invalid(fielded(nil, FieldCode, "This is neither the code that your authenticator app shows now "+
				"nor a recovery code that was not used. A code works once: wait for the next one. Without both, "+
				"ask an administrator for a link that also replaces the codes."))
		}
		now := a.time()
		r.Password, r.ChangedAt, r.SignedInAt = password, now, now
		r.Link, r.LinkExpires = [sha256.Size]byte{}, time.Time{}
		return nil
	}, nil, nil
}

// checkEnrollment returns the step of a code by which somebody shows to have an enrollment's secret.
func (a *Accounts) checkEnrollment(of Account, sealed, typed string) (step int64, fault string) {
	secret, err := a.seal.open(sealed, of.ID)
	if err != nil {
		return 0, "The secret of this page can no longer be used. Scan the new one and enter its code."
	}
	step, ok := matchCode(secret, cleanCode(typed), a.time(), 0)
	if !ok {
		return 0, "This is not the code that the app shows now. Check the clock of the device, and enter the next code."
	}
	return step, ""
}

// First makes the first administrator, at the word of whoever has the shared secret, which then no longer opens
// anything. The account needs an ID, for which the enrollment was made, and an address. Errors: ErrAdministered,
// ErrInvalid.
func (a *Accounts) First(ctx context.Context, of Account, with Acceptance) (account Account, recovery []string,
	device string, err error) {
	administered, err := a.store.Administered(ctx)
	if err == nil && administered {
		err = ErrAdministered
	}
	if err != nil {
		return Account{}, nil, "", err
	}
	address, fault := cleanAddress(of.Address)
	of.Address = address
	set, recovery, err := a.accept(ctx, of, with)
	if faulty := (*dossier.Error)(nil); fault != "" && (err == nil || errors.As(err, &faulty)) {
		faults := []dossier.FieldFault{{Field: FieldAddress, Message: fault}}
		if faulty != nil {
			faults = append(faults, faulty.Fields...)
		}
		return Account{}, nil, "", invalid(faults)
	}
	if err != nil {
		return Account{}, nil, "", err
	}
	now := a.time()
	r := Record{Account: Account{ID: of.ID, Address: address, Role: Administrator, CreatedAt: now}}
	set(&r)
	if err := a.add(ctx, r); errors.Is(err, dossier.ErrExists) {
		return Account{}, nil, "", invalid([]dossier.FieldFault{{Field: FieldAddress,
			Message: "There is an account with this address already. Accept its invitation, or remove it first."}})
	} else if err != nil {
		return Account{}, nil, "", err
	}
	if err := a.onlyFirst(ctx, r.Account); err != nil {
		return Account{}, nil, "", err
	}
	return r.Account, recovery, a.newDevice(AddressKey(address)), nil
}

// onlyFirst takes the account of a first administrator away again if there is another one: somebody else had the shared
// secret at the same moment. Of several, the one stays that is the last to ask, because no last one can be removed.
func (a *Accounts) onlyFirst(ctx context.Context, first Account) error {
	if only, err := a.onlyAdministrator(ctx, first.ID); err != nil || only {
		return err
	}
	switch _, err := a.Remove(ctx, first.ID); {
	case errors.Is(err, ErrLast):
		return nil
	case err != nil && !errors.Is(err, dossier.ErrNotFound):
		return err
	}
	return ErrAdministered
}

// onlyAdministrator reports whether no other account than this one administers the site.
func (a *Accounts) onlyAdministrator(ctx context.Context, id AccountID) (bool, error) {
	all, err := a.store.Accounts(ctx)
	return !slices.ContainsFunc(all, func(o Account) bool { return o.ID != id && o.Administers() }), err
}

// ChangePassword sets another password, at the proof of the current one and a code, and ends the account's sessions.
// Errors: ErrInvalid, and those of Prove.
func (a *Accounts) ChangePassword(ctx context.Context, id AccountID, current, code, password string) (Account,
	error) {
	account, err := a.Account(ctx, id)
	if err != nil {
		return Account{}, err
	}
	if fault := checkPassword(password, account.Name, account.Address); fault != "" {
		return Account{}, invalid(fielded(nil, FieldPassword, fault))
	}
	if _, err := a.Prove(ctx, id, current, code); err != nil {
		return Account{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	return a.change(ctx, id, func(r *Record) error {
		r.Password = hash
		return nil
	})
}

// SetCodes gives an account the time-based codes of an enrollment, and new recovery codes in the place of all others.
// Errors: ErrInvalid.
func (a *Accounts) SetCodes(ctx context.Context, id AccountID, sealed, code string) (recovery []string, err error) {
	account, err := a.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if !account.Local() {
		return nil, conflict("This account signs in with a sign-in service, which has its codes.")
	}
	step, fault := a.checkEnrollment(account, sealed, code)
	if fault != "" {
		return nil, invalid(fielded(nil, FieldCode, fault))
	}
	recovery, hashes := newRecovery()
	_, err = a.update(ctx, id, false, func(r *Record) error {
		r.Codes, r.Step, r.Recovery = sealed, step, hashes
		return nil
	})
	return recovery, err
}
