// Package apply writes the operator's objects by server-side apply, and only when something would change.
package apply
