package userdata

// Jump is the jump server. Operators reach it by SSH when it has a host key to show, else only through Systems Manager.
type Jump struct {
	// Region is the AWS region of the parameter.
	Region string
	// HostKeyParameter names the SecureString parameter of the SSH host key: an ed25519 private key without passphrase
	// in OpenSSH's own form (BEGIN OPENSSH PRIVATE KEY; the OpenSSH of Amazon Linux 2023 reads no other for ed25519).
	// Empty: nobody may connect by SSH, and its server is stopped and masked.
	HostKeyParameter string
}

// UserData returns the script, of at most MaxUserData bytes. The error tells every field that is not of the form
// allowed.
func (j Jump) UserData() (string, error) {
	f := &faults{of: "Jump"}
	f.region(j.Region)
	if j.HostKeyParameter != "" {
		f.parameter("HostKeyParameter", j.HostKeyParameter)
	}
	if err := f.err(); err != nil {
		return "", err
	}
	return userData("jump.bash", struct {
		Jump
		// Budget is in seconds. Nothing waits for a jump server but the schema command, which has a bound of its own.
		Budget, EOF string
	}{j, "600", endOfFile})
}
