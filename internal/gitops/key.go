package gitops

// Key identifies a branch of a repository across namespaces: 16 hexadecimal
// digits, fit for a label value and for an object's name.
func Key(url, branch string) string { return "" }

// NormaliseURL writes the addresses of one repository in one way.
func NormaliseURL(raw string) string { return raw }
