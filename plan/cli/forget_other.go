//go:build !unix

package cli

import "os"

// forget removes the variables that this process does not need from what it passes on.
func forget() error {
	needed := kept(os.Environ())
	os.Clearenv()
	for _, variable := range needed {
		for i := 1; i < len(variable); i++ { // Windows has names that begin with =
			if variable[i] == '=' {
				if err := os.Setenv(variable[:i], variable[i+1:]); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
