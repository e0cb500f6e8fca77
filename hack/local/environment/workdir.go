package environment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// workDir is the environment's temporary folder. Its owner holds a lock in it, so that the next environment on the machine
// can tell the folder of a process that was killed from one that is in use, and remove it.
type workDir struct {
	path string
	lock *flock.Flock
}

const (
	workDirPrefix = "app-upgrade-operator-local-"
	lockName      = "lock"
)

func newWorkDir() (*workDir, error) {
	if err := removeAbandoned(); err != nil {
		return nil, err
	}
	// It gets the name that removeAbandoned looks for only once it is locked.
	unlocked, err := os.MkdirTemp("", "new-"+workDirPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the local environment: %w", err)
	}
	path := filepath.Join(filepath.Dir(unlocked), strings.TrimPrefix(filepath.Base(unlocked), "new-"))
	d := &workDir{path: path, lock: flock.New(filepath.Join(unlocked, lockName))}
	if err := d.lock.Lock(); err != nil {
		return nil, fmt.Errorf("lock the folder of the local environment: %w", err)
	}
	if err := os.Rename(unlocked, path); err != nil {
		return nil, fmt.Errorf("name the folder of the local environment: %w", err)
	}
	return d, nil
}

// remove deletes the folder. It may be called more than once.
func (d *workDir) remove() error {
	if err := os.RemoveAll(d.path); err != nil {
		return fmt.Errorf("remove the folder of the local environment: %w", err)
	}
	return d.lock.Close()
}

// removeAbandoned deletes the folders of environments whose process was killed.
func removeAbandoned() error {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), workDirPrefix+"*", lockName))
	if err != nil {
		return fmt.Errorf("look for folders of killed local environments: %w", err)
	}
	for _, file := range locks {
		lock := flock.New(file, flock.SetFlag(os.O_RDWR))
		free, err := lock.TryLock()
		if err != nil || !free {
			continue // in use, removed meanwhile, or of another user
		}
		if err := os.RemoveAll(filepath.Dir(file)); err != nil {
			return fmt.Errorf("remove the folder of a killed local environment: %w", err)
		}
		if err := lock.Close(); err != nil {
			return fmt.Errorf("unlock the folder of a killed local environment: %w", err)
		}
	}
	return nil
}
