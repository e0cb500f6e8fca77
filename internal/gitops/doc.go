// Package gitops reads and changes one branch of a Git repository with the
// credentials of a Flux GitRepository.
//
// Every operation starts from a fresh shallow clone, as Flux's own controllers
// do: some servers (Azure DevOps, AWS CodeCommit) do not support the incremental
// fetches of go-git. The clone has no work tree. Files are read straight from
// the branch's tree and a commit is built by rewriting only the trees above the
// changed files, so that
//   - a symbolic link or a path with ".." cannot leave the repository, because
//     no path ever reaches the operating system;
//   - a commit costs as much as the files it changes. Committing through a go-git
//     work tree is quadratic in them.
//
// What fails about a repository is an *Error: it carries a reason, names the
// repository without credentials and says what to do next.
package gitops
