// Package failpoint lets a test kill the bot at named points.
//
// In an ordinary build [Here] is empty and inlined away: nothing can be switched on
// in what people run. With the build tag failpoints the environment decides:
//
//	FAILPOINT=store/after-commit:3   SIGKILL at the third passing of that point
//	FAILPOINT_TRACE=/tmp/passed      the name of each point that is passed, a line each
//
// It knows nothing and is known to whoever has a point. A point stands where a kill
// leaves another state behind than a line earlier; its name is the folder, a slash
// and what comes next or has just happened.
package failpoint
