// POST /api/accounts makes an account, POST /api/sessions gives a token for it, and the guard asks for that token.
import {
  Body,
  CanActivate,
  ConflictException,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  Inject,
  Injectable,
  Post,
  UnauthorizedException,
} from "@nestjs/common";
import { type JwtPayload, sign, type SignOptions, verify } from "jsonwebtoken";
import type { Pool } from "pg";
import { credentials } from "./input";
import { DATABASE, SETTINGS } from "./parts";
import { hash, matches } from "./passwords";
import type { Settings } from "./settings";

const ALGORITHM = "HS256";
const UNIQUE_VIOLATION = "23505";

@Controller()
export class AccountsController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post("accounts")
  async register(@Body() body: unknown): Promise<object> {
    const { name, password } = credentials(body);
    try {
      await this.database.query("insert into accounts (name, password_hash) values ($1, $2)", [name, await hash(password)]);
    } catch (error) {
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) throw new ConflictException("the name is taken");
      throw error;
    }
    return { name };
  }

  @Post("sessions")
  @HttpCode(200)
  async login(@Body() body: unknown): Promise<object> {
    const { name, password } = credentials(body);
    const { rows } = await this.database.query("select id, password_hash from accounts where name = $1", [name]);
    if (!rows[0] || !(await matches(password, rows[0].password_hash))) {
      throw new UnauthorizedException("no such account, or another password");
    }
    const options = { algorithm: ALGORITHM, expiresIn: this.settings.jwtExpiration } as SignOptions;
    return { token: sign({ sub: String(rows[0].id) }, this.settings.jwtSecret, options) };
  }
}

@Injectable()
export class TokenGuard implements CanActivate {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: { authorization?: string }; account?: string }>();
    const [scheme, token = ""] = (request.headers.authorization ?? "").split(" ");
    if (scheme !== "Bearer") throw new UnauthorizedException("expected a token: POST /api/sessions");
    try {
      request.account = (verify(token, this.settings.jwtSecret, { algorithms: [ALGORITHM] }) as JwtPayload).sub;
    } catch {
      throw new UnauthorizedException("the token is not valid, or not any more");
    }
    return request.account !== undefined;
  }
}

/** The account whose token came with the request. */
export const Account = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<{ account: string }>().account,
);
