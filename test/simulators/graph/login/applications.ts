/** A secret of an application. */
export interface ApplicationSecret {
  readonly value: string;
  /** ISO time; after it AADSTS7000222. */
  readonly expires?: string;
}

/** Who else's tokens are taken instead of a secret (a federated identity credential). */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  /** `api://AzureADTokenExchange` when not given. */
  readonly audience?: string;
  /** The issuer's public key in PEM. */
  readonly publicKey: string;
}

/** An application that is registered in the tenant. */
export interface Application {
  readonly clientId: string;
  readonly displayName?: string;
  readonly secrets?: readonly ApplicationSecret[];
  /** Certificates in PEM. */
  readonly certificates?: readonly string[];
  readonly federated?: readonly FederatedCredential[];
  /** Application permissions that an administrator consented to; all that the simulator knows when not given. */
  readonly roles?: readonly string[];
  readonly disabled?: boolean;
}
