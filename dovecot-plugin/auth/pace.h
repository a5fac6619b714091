/* pace.h - a refusal takes as long as a wrong password
 *
 * A refused login is answered without a verification, which would tell: the
 * failure delay hides the difference only in part. So its answer waits for as
 * long as some recent verification of a wrong password took, drawn at random:
 * the two take times of one distribution. Kept apart are passwords that were
 * compared and credentials that were looked up.
 *
 * Never longer than PACE_MAX_MS, and at once where more than PACE_COUNT_MAX
 * wait, or nothing is known yet. */
#ifndef LOCKSTEP_PACE_H
#define LOCKSTEP_PACE_H

struct login;

enum { PACE_SAMPLES = 64, PACE_MAX_MS = 3000, PACE_COUNT_MAX = 4096 };

enum pace_of { PACE_PASSWORD, PACE_CREDENTIALS, PACE_KINDS };

/* Call `answer` with the login, at once or later. */
typedef void pace_answer_t(struct login *login);
void pace_refusal(struct login *login, enum pace_of what,
		  pace_answer_t *answer);

enum pace_of pace_kind(const struct login *login);

/* A login is let through: its verification begins. It has answered. It was a
 * no: learn how long that took. */
void pace_begin(struct login *login);
void pace_end(struct login *login);
void pace_learn(const struct login *login);

/* Answer what still waits. */
void pace_deinit(void);

#endif
