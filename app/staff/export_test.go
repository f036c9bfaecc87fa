package staff

import "time"

// CodeAt returns the code that an app with an enrollment's secret shows at a time.
func (a *Accounts) CodeAt(of Account, sealed string, at time.Time) string {
	secret, err := a.seal.open(sealed, of.ID)
	if err != nil {
		panic(err)
	}
	return code(secret, stepOf(at))
}

// HashQuickly has passwords hashed with parameters that take little time, or with those of the site.
func (a *Accounts) HashQuickly(quickly bool) {
	a.hasher.argon = hashing
	if quickly {
		a.hasher.argon = argon{memory: 64, time: 1, threads: 1}
	}
}
